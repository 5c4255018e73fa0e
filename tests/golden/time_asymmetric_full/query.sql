-- A30 A28: more time after than before, FULL
SELECT c.click_id, p.purchase_id, c.ts, p.ts AS bought FROM clicks c FULL JOIN purchases p ON c.user_id = p.user_id AND p.ts BETWEEN c.ts - INTERVAL '2' MINUTE AND c.ts + INTERVAL '9' MINUTE
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
