-- A41: all comparisons, NULL gives NULL
SELECT id, quantity <> 1 AS a, quantity != 2 AS b, quantity >= 3 AS c, quantity <= 3 AS d, quantity < 1 AS e, quantity = 5 AS f FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
