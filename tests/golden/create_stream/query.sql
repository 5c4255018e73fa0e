-- A4: a named job
CREATE STREAM paid_orders AS
SELECT id, amount FROM orders WHERE status = 'paid'
INTO o
WITH ('orders.type'='file_source','orders.path'='inputs/orders.jsonl','orders.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP','o.type'='file_sink','o.path'='out/o.jsonl');
