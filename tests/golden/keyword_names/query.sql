-- A55 A11 A15: words that are keywords elsewhere are names here
SELECT e.timestamp, location, e.status, name, message, category, email, tier, e.metadata, properties, active, alert, click, purchase, transactions,
       e.user_id AS timestamp_user, e.event_id AS alert_id, tier AS purchase_tier, message AS "order"
FROM events e WHERE active AND status = 'ok' OR click > 0
WITH ('events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
      'events.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT')
