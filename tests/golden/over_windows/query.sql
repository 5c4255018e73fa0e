-- A56 A50: each window less the one before it
SELECT w, device, n - LAG(n) OVER (PARTITION BY device ORDER BY w) AS more FROM (SELECT tumble(ts, INTERVAL '1' MINUTE) AS w, device, COUNT(*) AS n FROM readings WHERE ts IS NOT NULL GROUP BY 1, 2) counted
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
