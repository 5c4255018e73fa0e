-- A16 A26: the column that a RIGHT JOIN merges has the value of the right side
SELECT customer_id, customer_id + 1 AS next, id, reason FROM orders RIGHT JOIN blocked USING (customer_id) WHERE customer_id > 0
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
