-- A26 A27: a RIGHT JOIN after a LEFT JOIN
SELECT o.id, c.name, r.code FROM orders o LEFT JOIN customers c ON o.customer_id = c.id RIGHT JOIN regions r ON o.region = r.code
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
      'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
