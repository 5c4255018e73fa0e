-- A22 A42: a range besides the equality
SELECT o.id, c.id AS customer FROM orders o INNER JOIN customers c ON o.customer_id = c.id AND (o.amount > 100 OR c.tier IN ('gold', 'silver'))
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
