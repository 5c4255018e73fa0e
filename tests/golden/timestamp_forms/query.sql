-- A40: offsets, fractions and missing instants all become UTC
SELECT id, ts, d FROM times
WITH ('times.type' = 'file_source', 'times.path' = 'inputs/times.jsonl', 'times.schema' = 'id BIGINT, ts TIMESTAMP, d DATE')
