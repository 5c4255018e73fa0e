-- A40: integer with decimal is decimal, exact
SELECT id, d + e AS added, d - e AS subtracted, d * e AS multiplied, d * 3 AS tripled, -e AS negated, e + b AS with_integer, d * b - e AS mixed
FROM measures
WITH ('measures.type' = 'file_source', 'measures.path' = 'inputs/measures.jsonl',
      'measures.schema' = 'id BIGINT, b BIGINT, d DECIMAL(12,4), e DECIMAL(8,2)')
