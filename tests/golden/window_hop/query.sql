-- A56: windows of ten minutes that begin every three, so that a row is in three or four
SELECT window_start, window_end, count(*) AS n, count(DISTINCT user_id) AS users FROM clicks GROUP BY hop(ts, INTERVAL '3' MINUTES, INTERVAL '10' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
