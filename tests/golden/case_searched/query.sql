-- A45: the first true branch
SELECT id, CASE WHEN amount >= 300 THEN 'large' WHEN amount >= 100 THEN 'medium' WHEN amount IS NULL THEN 'unknown' ELSE 'small' END AS size FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
