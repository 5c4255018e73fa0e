-- A41: BETWEEN with bounds included
SELECT id, amount FROM orders WHERE amount BETWEEN 50 AND 200 AND order_date BETWEEN '2023-12-01' AND '2024-01-31'
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
