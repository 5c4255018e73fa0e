-- A17 A18: fields of a struct, of a struct in a struct, and of a NULL struct
SELECT o.id, o.customer.id AS customer_id, o.customer.name, o.customer.address.city AS city, customer.address.zip AS zip
FROM carts o WHERE o.customer.id > 2 OR o.customer.address.city IS NULL
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>')
