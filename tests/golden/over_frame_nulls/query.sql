-- A56: frames without a value
SELECT reading_id, MIN(CASE WHEN value > 8 THEN value END) OVER (PARTITION BY device ORDER BY ts ROWS 1 PRECEDING) AS m, AVG(CASE WHEN value > 8 THEN value END) OVER (PARTITION BY device ORDER BY ts ROWS 2 PRECEDING) AS a, BIT_XOR(CASE WHEN value > 8 THEN value END) OVER (PARTITION BY device ORDER BY ts ROWS 1 PRECEDING) AS x, COUNT(CASE WHEN value > 8 THEN value END) OVER (PARTITION BY device ORDER BY ts ROWS 1 PRECEDING) AS n FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
