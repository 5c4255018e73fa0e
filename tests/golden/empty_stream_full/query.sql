-- A24 A26: a stream without rows; the table's rows come out when it ends
SELECT o.id, c.id AS customer, c.name FROM orders o FULL OUTER JOIN customers c ON o.customer_id = c.id
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/none.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
