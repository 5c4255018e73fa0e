-- A56: frames of some time
SELECT reading_id, SUM(value) OVER (PARTITION BY device ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) AS s, COUNT(*) OVER (ORDER BY ts RANGE INTERVAL '3' SECOND PRECEDING) AS n FROM readings WHERE ts IS NOT NULL
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
