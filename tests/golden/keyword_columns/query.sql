-- A55: words that are keywords elsewhere
SELECT e.event_id, e.timestamp, location, e.status, name, message, category, email, tier, metadata, properties, active, alert, click, purchase, transactions FROM events e
WITH (
    'events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
    'events.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT'
)
