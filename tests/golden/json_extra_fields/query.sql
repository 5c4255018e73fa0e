-- A16: fields that the schema does not name are left out, as are repeated blanks and key order
SELECT * FROM things
WITH ('things.type' = 'file_source', 'things.path' = 'inputs/things.json', 'things.format' = 'json', 'things.schema' = 'id BIGINT, word VARCHAR, at STRUCT<x BIGINT>')
