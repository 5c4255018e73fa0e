-- A17: items are counted from 1
SELECT id, items[1].sku AS first, tags[2] AS second FROM carts
WITH (
    'carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
    'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>'
)
