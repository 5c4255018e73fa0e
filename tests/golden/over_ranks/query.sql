-- A56: ranks, where times are equal
SELECT reading_id, RANK() OVER (PARTITION BY device ORDER BY ts) AS r, DENSE_RANK() OVER (PARTITION BY device ORDER BY ts) AS d, RANK() OVER (ORDER BY ts) AS all_r FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
