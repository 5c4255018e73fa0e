-- A56: one group
-- updates:
SELECT count(*) AS n, count(note) AS notes, count(DISTINCT region) AS regions FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
