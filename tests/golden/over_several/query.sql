-- A56: several partitions and orders in one statement
SELECT reading_id, LAG(value) OVER (PARTITION BY device ORDER BY ts) AS d, COUNT(*) OVER (PARTITION BY value ORDER BY ts) AS n, SUM(reading_id) OVER (ORDER BY ts) AS s FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
