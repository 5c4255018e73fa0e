-- A55 A56: ORDER BY a keyword column and several others; NULL last, or first when descending
-- modes: batch
-- order: exact
SELECT t.event_id, t.timestamp, t.tier, t.purchase FROM events t ORDER BY t.tier DESC, t.purchase, t.timestamp DESC
WITH ('events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
      'events.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT')
