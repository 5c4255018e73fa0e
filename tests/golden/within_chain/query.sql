-- A31: one clause for every join of streams
SELECT c.click_id, p.purchase_id, v.view_id FROM clicks c JOIN purchases p ON c.user_id = p.user_id LEFT JOIN views v ON c.user_id = v.user_id WITHIN INTERVAL '2' MINUTES
WITH (
    'clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
    'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
    'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.csv',
    'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
    'views.type' = 'file_source', 'views.path' = 'inputs/views.jsonl',
    'views.schema' = 'view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP',
    'clicks.event_time' = 'ts',
    'purchases.event_time' = 'ts',
    'views.event_time' = 'ts'
)
