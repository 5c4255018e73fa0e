-- A44 A42: NOT IN within OR
-- exit: 2
SELECT v FROM t WHERE k NOT IN (SELECT k FROM s) OR v = 1
WITH ('s.type' = 'file_source', 's.path' = 'inputs/s.jsonl', 's.schema' = 'k BIGINT, v BIGINT',
      't.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'k BIGINT, v BIGINT')
