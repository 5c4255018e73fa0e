-- A42: EXISTS with a condition on both sides; duplicates in the table make no duplicates
SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM blocked b WHERE b.customer_id = o.customer_id AND b.reason IS NOT NULL)
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
