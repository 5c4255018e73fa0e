-- A1 A27 A26: a LIMIT between a join that keeps the table's rows and one that does not
SELECT b.v, b.tv, u.v AS uv FROM (SELECT a.v, a.k, t.v AS tv FROM s a JOIN t ON a.k = t.k LIMIT 2) b RIGHT JOIN t u ON b.k = u.k
WITH ('s.type' = 'file_source', 's.path' = 'inputs/s.jsonl', 's.schema' = 'k BIGINT, v BIGINT',
      't.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'k BIGINT, v BIGINT')
