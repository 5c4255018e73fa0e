-- A30 A25: bounds in WHERE over a comma
SELECT c.click_id, p.purchase_id FROM clicks c, purchases p WHERE c.user_id = p.user_id AND p.ts >= c.ts AND p.ts - c.ts < INTERVAL '6' MINUTE AND p.amount > 10
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
