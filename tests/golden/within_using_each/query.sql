-- A31 A28: a clause of its own for each join, USING first
SELECT click_id, purchase_id, view_id FROM clicks c LEFT JOIN purchases p USING (user_id) WITHIN INTERVAL '2' MINUTES JOIN views v ON c.user_id = v.user_id AND c.page = v.page WITHIN INTERVAL '1' HOUR
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts',
      'views.type' = 'file_source', 'views.path' = 'inputs/views.jsonl',
      'views.schema' = 'view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP',
      'views.event_time' = 'ts')
