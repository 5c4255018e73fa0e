-- A25: a comma join without a condition: every row meets every row
SELECT r.code, b.reason, b.customer_id FROM regions r, blocked b
WITH ('regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
