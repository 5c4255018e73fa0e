-- A50: without PARTITION BY
SELECT reading_id, LAG(reading_id) OVER (ORDER BY ts) AS before, ROW_NUMBER() OVER (ORDER BY ts) AS n FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
