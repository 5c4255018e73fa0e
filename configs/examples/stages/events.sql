-- The same statement in every environment: velo.yaml says what `stage` and `out_folder` are.
--
--   velo-sql --config configs/examples/stages/velo.yaml --profile production
CREATE STREAM events_by_release AS
SELECT e.id, e.kind, r.release
FROM events e, releases r
INTO processed
WITH (
    'events.type' = 'kafka_source',
    'events.config_file' = '${stage}_events.yaml',
    'releases.type' = 'file_source',
    'releases.config_file' = 'releases.yaml',

    'processed.type' = 'file_sink',
    'processed.config_file' = 'out.yaml',

    'use_transactions' = 'true'
);
