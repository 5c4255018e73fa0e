-- A56 A27: totals of a join
-- updates: tier category
SELECT c.tier, p.category, SUM(o.quantity) AS quantity, SUM(o.amount) AS total FROM orders o JOIN customers c ON o.customer_id = c.id JOIN products p ON o.product_id = p.id GROUP BY c.tier, p.category
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2)',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
      'products.type' = 'file_source', 'products.path' = 'inputs/products.csv',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
