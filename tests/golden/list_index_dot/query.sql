-- A17 A53: a field of an element, written with a dot
SELECT o.id, items[1].sku AS first_sku, o.items[2].price AS second_price FROM carts o WHERE items[1].sku IS NOT NULL
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>')
