-- A25: no condition at all
SELECT o.id, r.code FROM orders o, regions r
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
    'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR'
)
