-- A49 A40: rounding and roots
SELECT id, ROUND(x * 3) AS rounded, FLOOR(x) AS floored, CEIL(x) AS ceiled, POWER(y, 2) AS squared, SQRT(ABS(x)) AS root, GREATEST(a, b) AS larger, LEAST(a, b) AS smaller, SIGNUM(y) AS direction
FROM measures
WITH ('measures.type' = 'file_source', 'measures.path' = 'inputs/measures.jsonl',
      'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE')
