-- A30: NOT EXISTS with a bound of times
SELECT c.click_id, c.ts FROM clicks c WHERE NOT EXISTS (SELECT 1 FROM purchases p WHERE p.user_id = c.user_id AND p.ts >= c.ts - INTERVAL '1' MINUTE AND p.ts < c.ts + INTERVAL '10' MINUTE)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
