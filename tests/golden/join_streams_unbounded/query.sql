-- A33: a join of two sources without WITHIN, all times within the hour that stands in for it
SELECT c.click_id, p.purchase_id FROM clicks c LEFT JOIN purchases p ON c.user_id = p.user_id AND p.ts < '2024-03-01T08:25:00Z' WHERE c.ts < '2024-03-01T08:25:00Z'
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
