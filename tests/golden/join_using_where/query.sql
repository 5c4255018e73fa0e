-- A16 A22: a merged column in every clause
SELECT customer_id, abs(customer_id) AS a, amount FROM orders JOIN blocked USING (customer_id) WHERE customer_id > 1 AND reason IS NOT NULL
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
