-- A16 A18: UNION ALL of a stream with a CSV table; names come from the first part
SELECT id, region AS code FROM orders WHERE amount > 50 UNION ALL SELECT 0, code FROM regions UNION ALL SELECT customer_id, reason FROM blocked
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
