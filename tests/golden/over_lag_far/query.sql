-- A50: the third row before, and a value where there is none
SELECT reading_id, LAG(value, 3, -1) OVER (PARTITION BY device ORDER BY ts) AS far, LAG(device) OVER (PARTITION BY device ORDER BY ts) AS same, LEAD(value, -2) OVER (PARTITION BY device ORDER BY ts) AS turned, LAG(value, 0) OVER (PARTITION BY device ORDER BY ts) AS own FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
