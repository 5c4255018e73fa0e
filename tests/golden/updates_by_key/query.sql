-- A56: groups without a window: the last row of each counts
-- updates: device
SELECT device, COUNT(*) AS n, SUM(value) AS s, AVG(value) AS a, MIN(ts) AS first, MAX(value) FILTER (WHERE value > 3) AS m FROM readings GROUP BY device
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP')
