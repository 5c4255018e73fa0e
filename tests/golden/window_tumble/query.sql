-- A56: windows of a minute and keys; rows without a time are a group of their own
SELECT user_id, window_start, window_end, count(*) AS n, min(click_id) AS first FROM clicks GROUP BY tumble(ts, INTERVAL '1' MINUTE), user_id
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
