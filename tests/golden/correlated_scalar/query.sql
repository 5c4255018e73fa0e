-- A41: a scalar subquery that names the outer row
SELECT o.id, (SELECT MAX(p.amount) FROM purchases p WHERE p.user_id = o.customer_id) AS best FROM orders o
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP')
