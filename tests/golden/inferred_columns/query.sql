-- A16: columns of the first records
SELECT * FROM t WITH ('t.type'='file_source','t.path'='inputs/t.jsonl')
