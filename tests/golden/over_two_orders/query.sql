-- A56: by time, and then by something else
SELECT reading_id, LAG(reading_id) OVER (PARTITION BY device ORDER BY ts, value DESC, reading_id) AS before, RANK() OVER (PARTITION BY device ORDER BY ts, value) AS r FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
