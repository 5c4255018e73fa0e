-- A56: QUALIFY
SELECT reading_id, device FROM readings QUALIFY ROW_NUMBER() OVER (PARTITION BY device ORDER BY ts) <= 3
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
