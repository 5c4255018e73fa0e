-- A56: the first row of each key, which leaves out those that come again
SELECT reading_id, device, value FROM (SELECT reading_id, device, value, ROW_NUMBER() OVER (PARTITION BY device, value ORDER BY ts) AS n FROM readings) numbered WHERE n = 1
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
