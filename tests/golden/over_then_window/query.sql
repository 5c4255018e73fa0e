-- A56 A50: windows of differences
SELECT tumble(ts, INTERVAL '1' MINUTE) AS w, SUM(d) AS s, COUNT(d) AS n FROM (SELECT ts, value - LAG(value) OVER (PARTITION BY device ORDER BY ts) AS d FROM readings WHERE value IS NOT NULL) changes GROUP BY 1
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
