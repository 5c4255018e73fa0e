-- A56: aggregates so far, rows of one time together
SELECT reading_id, SUM(value) OVER (PARTITION BY device ORDER BY ts) AS s, COUNT(*) OVER (PARTITION BY device ORDER BY ts) AS n, COUNT(value) FILTER (WHERE value > 4) OVER (PARTITION BY device ORDER BY ts) AS large, MAX(value) OVER (PARTITION BY device ORDER BY ts) AS most FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
