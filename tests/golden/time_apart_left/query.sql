-- A30 A28: partners that all come later, LEFT
SELECT c.click_id, p.purchase_id, c.ts, p.ts AS bought FROM clicks c LEFT JOIN purchases p ON c.user_id = p.user_id AND p.ts BETWEEN c.ts + INTERVAL '3' MINUTE AND c.ts + INTERVAL '12' MINUTE AND p.amount > 20
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
