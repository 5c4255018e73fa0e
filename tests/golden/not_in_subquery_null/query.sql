-- A32: NOT IN with a NULL among the keys leaves nothing
SELECT id, customer_id FROM orders WHERE customer_id NOT IN (SELECT customer_id FROM blocked)
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.jsonl',
    'blocked.schema' = 'customer_id BIGINT, reason VARCHAR'
)
