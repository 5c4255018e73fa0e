-- A17: values of a map by key; a missing key is NULL
SELECT id, attributes['color'] AS color, attributes['size'] AS size, attributes['färbe'] AS tint FROM carts WHERE attributes['color'] = 'red' OR attributes['size'] IS NULL
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, attributes MAP<VARCHAR, VARCHAR>')
