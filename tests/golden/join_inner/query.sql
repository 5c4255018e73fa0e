-- A21 A28 A32: only matching pairs; NULL keys never match; duplicate keys on both sides make every pair
SELECT o.id, o.customer_id, c.name FROM orders o JOIN customers c ON o.customer_id = c.id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
