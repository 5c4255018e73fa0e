-- A56: groups
-- modes: batch
SELECT status, count(*) AS n, sum(amount) AS total, min(quantity) AS lo, max(quantity) AS hi FROM orders GROUP BY status HAVING count(*) > 2
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
