-- A44 A43: NOT IN over a table without NULL leaves out NULL keys
SELECT id, customer_id FROM orders WHERE customer_id NOT IN (SELECT customer_id FROM blocked WHERE customer_id IS NOT NULL)
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
