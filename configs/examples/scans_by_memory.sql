-- Scanned documents, some of them large: a batch is as many as fit into 4 MiB, and each batch becomes a file of its own.
--
--   KAFKA_BROKERS=host:9092 velo-sql run configs/examples/scans_by_memory.sql
CREATE STREAM filed_scans AS
SELECT s.scan_id, s.office, s.page, BYTE_LENGTH(s.page) AS bytes
FROM scans s
WHERE BYTE_LENGTH(s.page) < 524288    -- half a MiB; larger ones are somebody else's
INTO files
WITH (
    'batch.strategy' = 'memory_based',
    'batch.enable' = 'true',
    'batch.memory_size' = '4194304',
    'batch.timeout' = '2000ms',

    'scans.type' = 'kafka_source',
    'scans.bootstrap.servers' = '${KAFKA_BROKERS:-localhost:9092}',
    'scans.schema' = 'scan_id BIGINT, office VARCHAR, page VARCHAR',
    'scans.max.poll.records' = '100',

    'files.type' = 'file_sink',
    'files.path' = 'scans/{hour}/scans_{batch_id}.json',
    'files.format' = 'json'
)
