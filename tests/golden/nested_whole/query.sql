-- A16: nested values pass unchanged
SELECT id, customer, items, tags FROM carts WHERE id < 12
WITH (
    'carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
    'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>'
)
