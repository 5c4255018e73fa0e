-- A1: LIMIT takes the first rows of a file
-- order: exact
SELECT id, status FROM orders LIMIT 7
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR')
