-- A25: CROSS JOIN with a condition that is no equality
SELECT o.id, r.code FROM orders o CROSS JOIN regions r WHERE o.region < r.code
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, region VARCHAR',
      'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
