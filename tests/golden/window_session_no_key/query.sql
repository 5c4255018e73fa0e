-- A56: sessions of all rows
SELECT window_start, window_end, count(*) AS n, count(page) AS pages, sum(click_id) AS total, avg(click_id) AS mean FROM clicks GROUP BY session(ts, INTERVAL '90' SECONDS)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
