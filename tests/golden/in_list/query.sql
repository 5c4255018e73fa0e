-- A44: IN with literals
SELECT event_id, category FROM events WHERE category IN ('CRITICAL', 'HIGH')
WITH (
    'events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
    'events.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT'
)
