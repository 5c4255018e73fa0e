-- A17: a row for each item
SELECT u.id, u.item.sku AS sku, u.item.qty AS qty FROM (SELECT id, UNNEST(items) AS item FROM carts) u
WITH (
    'carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
    'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>'
)
