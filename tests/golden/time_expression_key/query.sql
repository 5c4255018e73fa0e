-- A28 A40: keys that are expressions, and two of them
SELECT c.click_id, p.purchase_id FROM clicks c LEFT JOIN purchases p ON c.user_id + 1 = p.user_id AND c.click_id % 2 = p.purchase_id % 2 WITHIN INTERVAL '7' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
