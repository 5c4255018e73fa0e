-- A16: structs, lists and maps come out whole, with NULL in every place
SELECT id, customer, items, tags, attributes FROM carts
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>')
