-- A23 A42: conditions on either side in ON of a LEFT JOIN keep every left row
SELECT o.id, c.name, c.credit FROM orders o LEFT JOIN customers c ON o.customer_id = c.id AND o.amount < c.credit AND o.status <> 'cancelled'
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
