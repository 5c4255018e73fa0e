-- A41: a scalar subquery over a table
SELECT id, amount FROM orders WHERE amount > (SELECT MAX(price) FROM products WHERE category = 'office')
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR',
      'products.type' = 'file_source', 'products.path' = 'inputs/products.csv',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
