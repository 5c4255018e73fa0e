-- A44 A54 A20 A55: keys carry the table name, not the alias
SELECT alert.event_id, alert.timestamp, alert.message, 'URGENT' as priority
FROM critical_alerts alert
WHERE alert.category IN ('CRITICAL', 'HIGH')
WITH ('critical_alerts.type' = 'file_source', 'critical_alerts.path' = 'inputs/events.jsonl',
      'critical_alerts.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT')
