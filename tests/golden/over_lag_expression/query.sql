-- A50 A45: within CASE, ABS and a comparison, of an expression
SELECT reading_id, CASE WHEN ABS(value * 2 - LAG(value * 2) OVER (PARTITION BY device ORDER BY ts)) > 6 THEN 'jump' WHEN LAG(upper(device)) OVER (PARTITION BY device ORDER BY ts) IS NULL THEN 'first' ELSE 'steady' END AS what FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
