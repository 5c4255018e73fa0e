-- A56: DISTINCT with the event time among its columns
SELECT DISTINCT date_bin(INTERVAL '10' MINUTE, ts) AS ten, campaign FROM clicks
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
