-- A17: fields of structs
SELECT id, c.customer.id AS customer_id, c.customer.address.city AS city FROM carts c
WITH (
    'carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
    'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>'
)
