-- Settings by file, some of them set again by the statement, which counts more than any file.
--
--   velo-sql validate configs/examples/plant/alarms.sql
--
-- needs the variables ENVIRONMENT, KAFKA_USERNAME, KAFKA_PASSWORD, SCHEMA_REGISTRY_URL, DB_USER and DB_PASSWORD.
CREATE STREAM pressure_alarms AS
SELECT
    p.vessel,
    p.bar,
    v.place,
    CASE
        WHEN p.bar > v.highest THEN 'TOO_HIGH'
        WHEN p.bar < v.lowest THEN 'TOO_LOW'
        ELSE 'IN_RANGE'
    END AS verdict,
    CURRENT_TIMESTAMP AS seen_at
FROM pressures p
JOIN vessels v ON p.vessel = v.vessel
WHERE p.samples > 100
INTO alarms, journal
WITH (
    'pressures.type' = 'kafka_source',
    'pressures.config_file' = 'pressures.yaml',
    'vessels.type' = 'database_source',
    'vessels.config_file' = 'vessels.yaml',

    'alarms.type' = 'kafka_sink',
    'alarms.config_file' = 'alarms.yaml',
    'journal.type' = 'file_sink',
    'journal.config_file' = 'journal.yaml',

    -- These stand for what the files say.
    'alarms.topic' = 'alarms-night-shift',
    'journal.path' = 'journal/night-shift.jsonl.gz' # a comment of the other kind
);
