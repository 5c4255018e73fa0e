-- A60: columns of JSON lines without a declared schema; missing fields are NULL
SELECT id, word, n * 2 AS twice, x, ok FROM things WHERE ok IS NULL OR ok
WITH ('things.type' = 'file_source', 'things.path' = 'inputs/things.jsonl', 'things.format' = 'jsonlines')
