-- A41: a quoted text beside a number that is no number
-- exit: 2
SELECT id FROM n WHERE i >= 'ten'
WITH ('n.type' = 'file_source', 'n.path' = 'inputs/n.jsonl', 'n.schema' = 'id BIGINT, i BIGINT')
