-- A32 A23: a Parquet table with dates and decimals
SELECT o.id, c.since, c.credit, c.score FROM orders o LEFT JOIN customers c ON o.customer_id = c.id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.parquet')
