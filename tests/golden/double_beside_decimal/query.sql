-- A40 A41 A44 A45 A48 A53: a DOUBLE beside a number with a point, or beside a DECIMAL, is compared as a DOUBLE
SELECT n.id, x > 0.0 AS positive, x = 0.3 AS same, x <> d AS other, x >= d AS over, x IN (0.3, 1e20) AS listed, x BETWEEN -2.5 AND 1e15 AS between,
       x > 1e100 AS far, x * 1e3 AS more, x + 0.1 > 0.5 AS sum, coalesce(x, 0.5) AS filled, nullif(x, 0.3) AS without, greatest(x, 0.5) AS most,
       x IS DISTINCT FROM 0.3 AS distinct_from, CASE WHEN id > 4 THEN x ELSE 0.25 END AS branch, CASE x WHEN 0.3 THEN 'yes' ELSE 'no' END AS simple,
       coalesce(x, d) AS either, i + 0.5 > 2.0 AS whole
FROM n
WITH ('n.type' = 'file_source', 'n.path' = 'inputs/n.jsonl', 'n.schema' = 'id BIGINT, x DOUBLE, d DECIMAL(20,4), i BIGINT')
