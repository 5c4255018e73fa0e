-- A55: such a word after ORDER BY
-- modes: batch
-- order: exact
SELECT t.event_id, t.timestamp FROM events t WHERE t.timestamp IS NOT NULL ORDER BY t.timestamp, t.event_id
WITH (
    'events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
    'events.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT'
)
