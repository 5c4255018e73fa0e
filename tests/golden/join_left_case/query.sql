-- A23 A45 A48: conditions on a NULL side are not true and fall through
SELECT o.id, CASE WHEN c.tier = 'gold' THEN 'first' WHEN c.tier != 'gold' THEN 'second' ELSE 'none' END AS class, COALESCE(c.name, 'unknown') AS name
FROM orders o LEFT OUTER JOIN customers c ON o.customer_id = c.id WHERE c.active = true OR c.id IS NULL
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
