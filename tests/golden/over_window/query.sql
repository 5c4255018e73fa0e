-- A56: anything within a window of time, which comes out when that is over
SELECT reading_id, NTILE(3) OVER (PARTITION BY tumble(ts, INTERVAL '1' MINUTE) ORDER BY reading_id DESC) AS third, LEAD(reading_id) OVER (PARTITION BY device, tumble(ts, INTERVAL '1' MINUTE) ORDER BY reading_id) AS next, COUNT(*) OVER (PARTITION BY tumble(ts, INTERVAL '1' MINUTE)) AS n, CUME_DIST() OVER (PARTITION BY tumble(ts, INTERVAL '1' MINUTE) ORDER BY value) AS c FROM readings
WITH ('readings.type' = 'file_source', 'readings.path' = 'inputs/readings.jsonl',
      'readings.schema' = 'reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP',
      'readings.event_time' = 'ts')
