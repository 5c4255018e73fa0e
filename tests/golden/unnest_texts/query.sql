-- A16: UNNEST of a list of texts keeps a NULL in the list
SELECT id, UNNEST(tags) AS tag FROM carts
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, tags ARRAY<VARCHAR>')
