-- A44 A42: NOT over IN, OR and NOT IN where NULL may be taken for false
SELECT v FROM t WHERE NOT (k IN (SELECT k FROM s WHERE k IS NOT NULL) OR v = 2) AND (k IN (SELECT v FROM s) OR v > 3 OR NOT (v NOT IN (SELECT v FROM s) AND v > 1))
WITH ('s.type' = 'file_source', 's.path' = 'inputs/s.jsonl', 's.schema' = 'k BIGINT, v BIGINT',
      't.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'k BIGINT, v BIGINT')
