-- A16 A24: the column that a FULL JOIN merges has the value of the side that has a row
SELECT orders.id, customer_id, orders.customer_id AS ordered, blocked.customer_id AS blocked, reason FROM orders FULL JOIN blocked USING (customer_id)
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
