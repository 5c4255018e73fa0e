-- Readings with what is known of their sensor: a join written with a comma. Transactions are asked for; the file can't give them in this build, which the job says when it starts.
--
--   KAFKA_BROKERS=host:9092 velo-sql run configs/examples/readings_by_comma.sql
CREATE STREAM located_readings AS
SELECT r.reading_id, r.celsius, d.room
FROM readings r, devices d
WHERE r.device = d.id
INTO located
WITH (
    'readings.type' = 'kafka',
    'readings.bootstrap.servers' = '${KAFKA_BROKERS:-localhost:9092}',
    'readings.schema' = 'reading_id BIGINT, device VARCHAR, celsius DECIMAL(5,2)',
    'devices.type' = 'file',
    'devices.path' = 'devices.csv',
    'devices.schema' = 'id VARCHAR, room VARCHAR',
    'located.type' = 'file',
    'located.path' = 'located.jsonl',

    'use_transactions' = 'true',
    'batch.timeout' = '200'
)
