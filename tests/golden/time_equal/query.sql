-- A28 A30: equal times are a bound
SELECT c.click_id, d.click_id AS other FROM clicks c JOIN clicks d ON c.ts = d.ts AND c.click_id <= d.click_id
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
