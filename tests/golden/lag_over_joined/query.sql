-- A50 A31 A45: LAG over joined rows, in ABS, in a comparison, in CASE
SELECT t.sensor, t.ts, h.humidity, (t.temperature - 20) / 10.0 AS score,
       CASE WHEN ABS(t.temperature - LAG(t.temperature, 1) OVER (PARTITION BY t.sensor ORDER BY t.ts, h.ts)) > 3.0 THEN 'SPIKE' ELSE 'NORMAL' END AS change
FROM temperature t JOIN humidity h ON t.sensor = h.sensor WITHIN INTERVAL '1' MINUTE
WHERE t.temperature IS NOT NULL AND h.humidity IS NOT NULL
WITH ('temperature.type' = 'file_source', 'temperature.path' = 'inputs/temperature.jsonl',
      'temperature.schema' = 'sensor VARCHAR, temperature DOUBLE, ts TIMESTAMP',
      'temperature.event_time' = 'ts', 'temperature.watermark.max_out_of_orderness' = '90s',
      'humidity.type' = 'file_source', 'humidity.path' = 'inputs/humidity.jsonl',
      'humidity.schema' = 'sensor VARCHAR, humidity DOUBLE, ts TIMESTAMP',
      'humidity.event_time' = 'ts', 'humidity.watermark.max_out_of_orderness' = '90s')
