-- A5 A9: no INTO: standard output; no semicolon
CREATE STREAM paid_orders AS
SELECT id, amount FROM orders WHERE status = 'paid'
WITH ('orders.type'='file_source','orders.path'='inputs/orders.jsonl','orders.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP')
