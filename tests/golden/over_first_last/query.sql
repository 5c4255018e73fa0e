-- A56: FIRST_VALUE, LAST_VALUE and NTH_VALUE
SELECT reading_id, FIRST_VALUE(reading_id) OVER (PARTITION BY device ORDER BY ts) AS f, LAST_VALUE(reading_id) OVER (PARTITION BY device ORDER BY ts ROWS UNBOUNDED PRECEDING) AS l, NTH_VALUE(reading_id, 3) OVER (PARTITION BY device ORDER BY ts ROWS UNBOUNDED PRECEDING) AS third, FIRST_VALUE(value) OVER (PARTITION BY device ORDER BY ts ROWS 2 PRECEDING) AS near FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
