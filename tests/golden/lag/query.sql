-- A50: the row before, within CASE and ABS
SELECT id, amount, ABS(amount - LAG(amount, 1) OVER (PARTITION BY region ORDER BY ts)) AS jump, CASE WHEN LAG(amount, 1) OVER (PARTITION BY region ORDER BY ts) > 100 THEN 1 ELSE 0 END AS after_large FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'orders.event_time' = 'ts'
)
