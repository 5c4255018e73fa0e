-- A56: all rows as one group
-- updates: 
SELECT COUNT(*) AS n, SUM(value) AS s FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP')
