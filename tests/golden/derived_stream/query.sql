-- A17: a derived table over the stream
SELECT s.id, s.size FROM (SELECT id, CASE WHEN amount > 100 THEN 'big' ELSE 'small' END AS size, region FROM orders WHERE amount IS NOT NULL) AS s WHERE s.size = 'big' OR s.region = 'US'
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR')
