-- A53: lists count from 1; a place outside is NULL
SELECT id, items[1].sku AS first_sku, items[2].price AS second_price, tags[1] AS tag, tags[9] AS no_tag, items[1].qty * 2 AS doubled
FROM carts WHERE items[1].sku IS NOT NULL
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>')
