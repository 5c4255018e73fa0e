-- A18: the last part names the column
SELECT id AS cart, c.customer.name, c.customer.address.zip FROM carts c
WITH (
    'carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
    'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>'
)
