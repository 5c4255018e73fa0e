-- A24 A27: a FULL JOIN as the last of two
SELECT o.id, c.name, b.reason FROM orders o LEFT JOIN customers c ON o.customer_id = c.id FULL JOIN blocked b ON c.id = b.customer_id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
      'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.csv',
      'blocked.schema' = 'customer_id BIGINT, reason VARCHAR')
