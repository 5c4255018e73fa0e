-- A40: TRY_CAST gives NULL where a text is no number
SELECT id, code, TRY_CAST(code AS BIGINT) AS whole, TRY_CAST(code AS DOUBLE) AS number
FROM measures WHERE code IS NULL OR code != '7.5'
WITH ('measures.type' = 'file_source', 'measures.path' = 'inputs/measures.jsonl',
      'measures.schema' = 'id BIGINT, code VARCHAR')
