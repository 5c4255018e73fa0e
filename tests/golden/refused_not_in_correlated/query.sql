-- A44: NOT IN whose query names a column of the outer one
-- exit: 2
SELECT v FROM t WHERE k NOT IN (SELECT s.k FROM s WHERE s.v > t.v)
WITH ('s.type' = 'file_source', 's.path' = 'inputs/s.jsonl', 's.schema' = 'k BIGINT, v BIGINT',
      't.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'k BIGINT, v BIGINT')
