-- A41 A44 A45: a quoted number beside a number is that number; a column of texts is equal to a number by its text
SELECT id, i >= '10' AS at_least, i BETWEEN '9' AND '10' AS between, i IN ('9', '-5') AS listed, d = '10' AS same, d < '9.75' AS less, d IN ('10', '9.5') AS decimals,
       x > '0.4' AS over, x = '5e-1' AS half, '10' > i AS turned, i IS DISTINCT FROM '9' AS distinct_from, CASE i WHEN '100' THEN 'yes' ELSE 'no' END AS simple, s = 10 AS text
FROM n
WITH ('n.type' = 'file_source', 'n.path' = 'inputs/n.jsonl', 'n.schema' = 'id BIGINT, i BIGINT, d DECIMAL(18,2), x DOUBLE, s VARCHAR')
