-- A56: functions that look at no other row
SELECT reading_id, LAST_VALUE(reading_id) OVER (PARTITION BY device ORDER BY ts ROWS UNBOUNDED PRECEDING) AS l, LAG(value, 0) OVER (PARTITION BY device ORDER BY ts) AS own FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
