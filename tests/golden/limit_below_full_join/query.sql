-- A1 A24: a LIMIT below a join that keeps the rows of both
SELECT a.v, t.v AS tv FROM (SELECT * FROM s LIMIT 3 OFFSET 1) a FULL JOIN t ON a.k = t.k
WITH ('s.type' = 'file_source', 's.path' = 'inputs/s.jsonl', 's.schema' = 'k BIGINT, v BIGINT',
      't.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'k BIGINT, v BIGINT')
