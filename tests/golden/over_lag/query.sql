-- A50: the row before, by time, with rows that come late, equal times and NULLs
SELECT reading_id, device, ts, value - LAG(value) OVER (PARTITION BY device ORDER BY ts) AS d FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
