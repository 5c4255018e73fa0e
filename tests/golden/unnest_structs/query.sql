-- A16: UNNEST of a list of structs; empty and NULL lists give no row
SELECT c.id, c.item.sku AS sku, c.item.qty AS qty, c.item.price * c.item.qty AS total
FROM (SELECT id, UNNEST(items) AS item FROM carts) c
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>')
