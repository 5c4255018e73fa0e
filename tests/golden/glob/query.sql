-- A60: several files as one table
SELECT id FROM t WITH ('t.type'='file_source','t.path'='inputs/part-*.jsonl','t.schema'='id BIGINT')
