-- A20: a clause keyword after a table is no alias
SELECT orders.id, blocked.reason FROM orders LEFT JOIN blocked ON orders.customer_id = blocked.customer_id WHERE blocked.reason IS NOT NULL
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
