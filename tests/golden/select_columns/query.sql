-- A17 A18: qualified and bare names; the name of an output column
SELECT orders.id, o2, amount AS paid FROM (SELECT id, quantity AS o2, amount, orders.status FROM orders) orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
