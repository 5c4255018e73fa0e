-- A56: FILTER, and CASE within an aggregate
-- updates:
SELECT COUNT(*) FILTER (WHERE status = 'paid') AS paid, SUM(CASE WHEN region = 'EU' THEN 1 ELSE 0 END) AS eu, SUM(amount) FILTER (WHERE amount > 0) AS income FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR')
