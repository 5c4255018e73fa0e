-- A41 A42 A43: unknown is not true
SELECT id, quantity, status FROM orders WHERE NOT (quantity > 1 AND status = 'paid') OR (region = 'EU' AND amount >= 100)
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
