-- A16: UNION ALL of two streams keeps duplicates
SELECT click_id AS id, user_id, ts, 'click' AS kind FROM clicks UNION ALL SELECT purchase_id, user_id, ts, 'purchase' FROM purchases
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP')
