-- A56: frames that end before the row, and leave rows out between them
SELECT reading_id, SUM(value) OVER (PARTITION BY device ORDER BY ts RANGE BETWEEN INTERVAL '9' SECOND PRECEDING AND INTERVAL '2' SECOND PRECEDING) AS s, COUNT(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1500' MILLISECOND PRECEDING AND INTERVAL '500' MILLISECOND PRECEDING) AS n FROM readings WHERE ts IS NOT NULL
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
