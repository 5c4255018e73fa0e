-- A16: a CTE that is used twice
WITH big AS (SELECT id, region, amount FROM orders WHERE amount > 50) SELECT a.id, b.id AS other FROM big a JOIN big b ON a.region = b.region AND a.id < b.id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR')
