-- A23 A32: a table without rows
SELECT o.id, c.name FROM orders o LEFT JOIN nobody c ON o.customer_id = c.id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'nobody.type' = 'file_source', 'nobody.path' = 'inputs/nobody.csv', 'nobody.schema' = 'id BIGINT, name VARCHAR')
