-- A22: unnested rows meet a table
SELECT i.cart, i.item.sku AS sku, p.name, p.price
FROM (SELECT id AS cart, UNNEST(items) AS item FROM carts) i JOIN products p ON i.item.sku = p.sku
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>',
      'products.type' = 'file_source', 'products.path' = 'inputs/products.csv',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
