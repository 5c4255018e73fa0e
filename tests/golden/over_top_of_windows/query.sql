-- A56: the first two of each window
SELECT w, device, n FROM (SELECT w, device, n, ROW_NUMBER() OVER (PARTITION BY w ORDER BY n DESC, device) AS place FROM (SELECT tumble(ts, INTERVAL '1' MINUTE) AS w, device, COUNT(*) AS n FROM readings GROUP BY 1, 2) counted) ranked WHERE place <= 2
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
