-- A42: NOT EXISTS keeps rows with a NULL key
SELECT o.id, o.customer_id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM blocked b WHERE b.customer_id = o.customer_id) AND o.status IS NOT NULL
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
