-- A43: IS NULL and IS NOT NULL
SELECT id, customer_id IS NULL AS guest, note IS NOT NULL AS noted FROM orders WHERE status IS NULL OR note IS NULL
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
