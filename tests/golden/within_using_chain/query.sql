-- A31 A28: one clause for a chain of USING and ON; with USING the bound is against the nearest table that has the column
SELECT c.*, p.purchase_id, v.view_id FROM clicks c JOIN purchases p USING (user_id) LEFT JOIN views v USING (user_id) WITHIN INTERVAL '10' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts',
      'views.type' = 'file_source', 'views.path' = 'inputs/views.jsonl',
      'views.schema' = 'view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP',
      'views.event_time' = 'ts')
