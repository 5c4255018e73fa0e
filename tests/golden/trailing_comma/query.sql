-- A65: a comma after the last entry
SELECT id, region FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, region VARCHAR',
)
