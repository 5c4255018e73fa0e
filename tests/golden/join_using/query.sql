-- A16 A28: USING merges the column
SELECT * FROM orders JOIN blocked USING (customer_id)
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
