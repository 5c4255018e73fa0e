-- A18: a field of a struct is called by its own name
SELECT o.id, o.customer.name, customer.address.city FROM carts o
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>')
