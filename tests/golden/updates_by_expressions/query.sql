-- A56: groups of expressions, computed with
-- updates: d half
SELECT COALESCE(device, 'none') AS d, value % 2 AS half, COUNT(*) * 10 AS n, COUNT(DISTINCT value) AS v FROM readings WHERE value > 1 GROUP BY 1, 2
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP')
