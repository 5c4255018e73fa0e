-- A56: no rows as one group
-- updates: 
SELECT COUNT(*) AS n, SUM(value) AS s FROM readings WHERE value > 1000
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP')
