-- A40: a scalar subquery in the select list
SELECT id, amount, (SELECT COUNT(*) FROM products) AS products FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'products.type' = 'file_source', 'products.path' = 'inputs/products.csv',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
