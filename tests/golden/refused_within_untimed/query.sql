-- A30: WITHIN over a table without event time and a query in brackets
-- exit: 2
SELECT c.click_id FROM clicks c JOIN (SELECT user_id FROM purchases) p USING (user_id) JOIN views v USING (user_id) WITHIN INTERVAL '5' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts',
      'views.type' = 'file_source', 'views.path' = 'inputs/views.jsonl',
      'views.schema' = 'view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP')
