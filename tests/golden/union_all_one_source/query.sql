-- A12: one stream read twice
SELECT id, 'large' AS size FROM orders WHERE amount > 200 UNION ALL SELECT id, 'small' FROM orders WHERE amount < 100
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
