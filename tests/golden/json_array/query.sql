-- A60: a file that is one JSON array
SELECT id, sku, name, price FROM products WHERE price > 10 OR price IS NULL
WITH ('products.type' = 'file_source', 'products.path' = 'inputs/products.json',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
