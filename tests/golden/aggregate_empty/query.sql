-- A56: aggregates over nothing give one row
-- updates:
SELECT COUNT(*) AS n, SUM(amount) AS total, MAX(status) AS last FROM orders WHERE id < 0
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR')
