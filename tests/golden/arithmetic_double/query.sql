-- A40 A53: doubles, and integers with doubles
SELECT id, x + y AS added, x * y AS multiplied, x / y AS divided, (x - 20) / 10.0 AS scaled, (a - 1013.25) / 50.0 AS pressure, b * 0.5 AS half, 0.1 + 0.2 AS inexact, 0.0 AS zero
FROM measures
WITH ('measures.type' = 'file_source', 'measures.path' = 'inputs/measures.jsonl',
      'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE')
