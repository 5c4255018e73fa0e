-- A53: length and membership of lists
SELECT id, COALESCE(array_length(tags), 0) AS n, array_has(tags, 'vip') AS vip FROM carts WHERE tags IS NOT NULL
WITH ('carts.type' = 'file_source', 'carts.path' = 'inputs/carts.jsonl',
      'carts.schema' = 'id BIGINT, tags ARRAY<VARCHAR>')
