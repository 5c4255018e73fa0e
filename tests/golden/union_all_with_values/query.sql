-- A12: a branch without a source comes once
SELECT id FROM t UNION ALL SELECT 99 AS id WITH ('t.type'='file_source','t.path'='inputs/t.jsonl','t.schema'='id BIGINT')
