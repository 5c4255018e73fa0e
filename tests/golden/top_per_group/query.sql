-- A56: the greatest of each group
-- modes: batch
SELECT region, id FROM (SELECT region, id, ROW_NUMBER() OVER (PARTITION BY region ORDER BY amount DESC NULLS LAST, id, quantity) AS r FROM orders) t WHERE r <= 2
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
