-- A47 A10: comments within CASE and the select list
SELECT
  id, -- the key
  CASE /* first */ WHEN status = 'paid' -- it's paid
    THEN 1 -- one
    /* never opens a 'text */ ELSE 0 END AS paid
FROM orders
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP'
)
