-- A30 A28: differences, turned round, and another condition, FULL
SELECT c.click_id, p.purchase_id, c.ts, p.ts AS bought FROM clicks c FULL JOIN purchases p ON c.user_id = p.user_id AND c.ts - p.ts <= INTERVAL '4' MINUTE AND INTERVAL '1' MINUTE >= p.ts - c.ts AND c.page IS NOT NULL
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
