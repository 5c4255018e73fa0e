-- Parcels, priced by their sender's contract and the zone they go to. Batches grow while they are fast and shrink while they are slow, so the job keeps up with a load that varies.
--
--   KAFKA_BROKERS=host:9092 velo-sql run configs/examples/parcels_batched.sql
CREATE STREAM priced_parcels AS
SELECT
    p.parcel_id,
    p.sender_id,
    s.contract,
    z.country,
    p.weight * z.rate * CASE
        WHEN s.discount > 0.2 THEN 0.80   -- the largest senders
        WHEN p.weight > 20 THEN 1.15      -- two people carry it
        ELSE 1.0
    END AS price,
    CURRENT_TIMESTAMP AS priced_at
FROM parcels p
LEFT JOIN senders s ON p.sender_id = s.id
LEFT JOIN zones z ON p.zone = z.zone
WHERE p.weight > 0 AND p.state = 'ACCEPTED'
INTO billing, audit, archive
WITH (
    'batch.strategy' = 'adaptive_size',
    'batch.enable' = 'true',
    'batch.min_size' = '50',
    'batch.adaptive_max_size' = '4000',
    'batch.target_latency' = '150ms',
    'batch.timeout' = '1000ms',

    'parcels.type' = 'kafka_source',
    'parcels.bootstrap.servers' = '${KAFKA_BROKERS:-localhost:9092}',
    'parcels.schema' = 'parcel_id BIGINT, sender_id BIGINT, zone VARCHAR, weight DECIMAL(8,3), state VARCHAR',
    'parcels.group.id' = 'pricing',
    'parcels.max.poll.records' = '4000',
    'parcels.fetch.min.bytes' = '16384',

    'senders.type' = 'file_source',
    'senders.path' = 'senders.csv',
    'senders.schema' = 'id BIGINT, contract VARCHAR, discount DECIMAL(3,2)',
    'zones.type' = 'file_source',
    'zones.path' = 'zones.json',
    'zones.schema' = 'zone VARCHAR, country VARCHAR, rate DECIMAL(8,2)',

    'billing.type' = 'kafka_sink',
    'billing.bootstrap.servers' = '${KAFKA_BROKERS:-localhost:9092}',
    'billing.topic' = 'priced-parcels',
    'billing.batch.size' = '131072',        -- bytes of a request, not rows
    'billing.linger.ms' = '20',
    'billing.compression.type' = 'snappy',

    'audit.type' = 'file_sink',
    'audit.path' = 'audit/parcels_{date}.log',
    'audit.format' = 'json',
    'audit.append' = 'true',

    'archive.type' = 'file_sink',
    'archive.path' = 'archive',
    'archive.format' = 'parquet',
    'archive.compression' = 'gzip',
    'archive.partition_columns' = 'country',
    'archive.roll.interval' = '1s',

    'failure_strategy' = 'RetryWithBackoff',
    'max_retries' = '3',
    'retry_backoff' = '500ms',
    'use_transactions' = 'false'
)
