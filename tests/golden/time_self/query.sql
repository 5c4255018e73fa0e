-- A30: a stream with itself
SELECT c.click_id, d.click_id AS next FROM clicks c LEFT JOIN clicks d ON c.user_id = d.user_id AND d.ts > c.ts AND d.ts <= c.ts + INTERVAL '3' MINUTE
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
