-- A56: sessions of minutes that have rows
SELECT window_start, window_end, sum(n) AS clicks, count(*) AS minutes FROM (SELECT window_start, count(*) AS n FROM clicks GROUP BY tumble(ts, INTERVAL '1' MINUTE)) m GROUP BY session(window_start, INTERVAL '2' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
