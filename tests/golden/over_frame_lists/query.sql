-- A56: a function that takes nothing back, over frames
SELECT reading_id, array_agg(reading_id) OVER (PARTITION BY device ORDER BY ts ROWS 2 PRECEDING) AS ids FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
