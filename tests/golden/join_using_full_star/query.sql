-- A16 A24: so has that of *
SELECT customer_id IS NULL AS unknown, t.* FROM (SELECT * EXCLUDE (amount) FROM orders FULL JOIN blocked USING (customer_id)) t
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
