-- A41: a column of texts has no order with numbers
-- exit: 2
SELECT id FROM n WHERE s BETWEEN 1 AND i
WITH ('n.type' = 'file_source', 'n.path' = 'inputs/n.jsonl', 'n.schema' = 'id BIGINT, i BIGINT, s VARCHAR')
