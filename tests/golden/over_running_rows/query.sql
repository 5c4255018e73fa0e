-- A56: aggregates so far, row by row
SELECT reading_id, AVG(value) OVER (PARTITION BY device ORDER BY ts ROWS UNBOUNDED PRECEDING) AS a, MIN(value) OVER (PARTITION BY device ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS least FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
