-- A12: a query in FROM
SELECT t.id, t.twice + 1 AS more FROM (SELECT id, quantity * 2 AS twice FROM orders WHERE quantity IS NOT NULL) t WHERE t.twice > 2
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
