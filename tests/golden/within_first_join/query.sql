-- A31: WITHIN after an inner ON bounds that join alone
SELECT t.sensor, t.ts, h.ts AS humidity_ts, p.ts AS pressure_ts FROM temperature t JOIN humidity h ON t.sensor = h.sensor
WITHIN INTERVAL '30' SECONDS LEFT JOIN pressure p ON t.sensor = p.sensor AND p.ts BETWEEN t.ts AND t.ts + INTERVAL '3' MINUTE
WITH ('temperature.type' = 'file_source', 'temperature.path' = 'inputs/temperature.jsonl',
      'temperature.schema' = 'sensor VARCHAR, temperature DOUBLE, ts TIMESTAMP',
      'temperature.event_time' = 'ts', 'temperature.watermark.max_out_of_orderness' = '1m',
      'humidity.type' = 'file_source', 'humidity.path' = 'inputs/humidity.jsonl',
      'humidity.schema' = 'sensor VARCHAR, humidity DOUBLE, ts TIMESTAMP',
      'humidity.event_time' = 'ts', 'humidity.watermark.max_out_of_orderness' = '1m',
      'pressure.type' = 'file_source', 'pressure.path' = 'inputs/pressure.jsonl',
      'pressure.schema' = 'sensor VARCHAR, pressure DOUBLE, ts TIMESTAMP',
      'pressure.event_time' = 'ts', 'pressure.watermark.max_out_of_orderness' = '1m')
