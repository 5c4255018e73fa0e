-- A17: structs and lists of a Parquet file
SELECT c.id, c.customer.name AS name, c.items[1]['sku'] AS sku FROM carts c
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.parquet')
