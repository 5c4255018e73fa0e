-- A40: functions over texts
SELECT id, UPPER(sku) AS u, LOWER(name) AS l, LENGTH(name) AS n, SUBSTR(sku, 1, 3) AS s, TRIM(name) AS t, REPLACE(sku, '-', '') AS r FROM products
WITH (
    'products.type' = 'file_source', 'products.path' = 'inputs/products.json',
    'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN'
)
