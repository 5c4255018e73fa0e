-- A42 A41: AND, OR, NOT, IS TRUE, IS NOT FALSE, IS DISTINCT FROM over NULL
SELECT id, flag AND (a > 0) AS both_true, flag OR (a > 0) AS any_true, NOT flag AS negated, flag IS TRUE AS is_true, flag IS NOT FALSE AS not_false,
       a IS DISTINCT FROM b AS differs, a = b AS same
FROM measures
WITH ('measures.type' = 'file_source', 'measures.path' = 'inputs/measures.jsonl',
      'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, flag BOOLEAN')
