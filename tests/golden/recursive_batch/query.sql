-- A12: a recursive query
-- modes: batch
WITH RECURSIVE r AS (SELECT id AS n FROM t UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT * FROM r WITH ('t.type'='file_source','t.path'='inputs/t.jsonl','t.schema'='id BIGINT')
