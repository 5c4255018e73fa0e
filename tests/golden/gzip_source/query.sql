-- A60: a compressed file
SELECT id, word FROM things
WITH ('things.type' = 'file_source', 'things.path' = 'inputs/things.jsonl.gz', 'things.format' = 'json', 'things.compression' = 'gzip', 'things.schema' = 'id BIGINT, word VARCHAR')
