-- A46: CASE as an operand
SELECT id, quantity * CASE WHEN region = 'EU' THEN 2 ELSE 3 END + 1 AS points FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
