-- A56: sessions of the beginnings of sessions, with the key left out
SELECT window_start, window_end, count(*) AS sessions, sum(n) AS clicks FROM (SELECT user_id, window_start AS b, count(*) AS n FROM clicks GROUP BY user_id, session(ts, INTERVAL '3' MINUTES)) s GROUP BY session(b, INTERVAL '2' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
