-- A25: the condition in WHERE
SELECT o.id, r.label FROM orders o, regions r WHERE o.region = r.code AND o.amount > 100
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
    'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR'
)
