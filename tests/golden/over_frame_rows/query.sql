-- A56: frames of some rows
SELECT reading_id, SUM(value) OVER (PARTITION BY device ORDER BY ts ROWS 4 PRECEDING) AS s, COUNT(*) OVER (PARTITION BY device ORDER BY ts ROWS BETWEEN 5 PRECEDING AND 2 PRECEDING) AS n, MAX(value) OVER (PARTITION BY device ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS most FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
