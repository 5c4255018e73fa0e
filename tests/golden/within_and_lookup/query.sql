-- A31 A32: it does not limit lookups
SELECT c.click_id, p.purchase_id, u.name FROM clicks c JOIN purchases p ON c.user_id = p.user_id LEFT JOIN customers u ON c.user_id = u.id WITHIN INTERVAL '5' MINUTES
WITH (
    'clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
    'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
    'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.csv',
    'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
    'clicks.event_time' = 'ts',
    'purchases.event_time' = 'ts'
)
