-- A56: groups over two branches
-- updates: device
SELECT device, COUNT(*) AS n FROM (SELECT device FROM readings WHERE value < 6 UNION ALL SELECT device FROM readings WHERE value >= 4) parts GROUP BY device
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP')
