-- A50: over the rows of two branches
SELECT reading_id, kind, LAG(reading_id) OVER (PARTITION BY device ORDER BY ts) AS before FROM (SELECT reading_id, device, ts, 'small' AS kind FROM readings WHERE value < 6 UNION ALL SELECT reading_id, device, ts, 'large' AS kind FROM readings WHERE value >= 6) both_kinds
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
