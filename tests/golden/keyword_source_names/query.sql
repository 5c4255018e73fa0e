-- A55 A20: such words as names of tables and aliases
SELECT alert.event_id AS click, status.label AS timestamp FROM transactions alert JOIN location status ON alert.tier = status.code OR alert.status = 'ok' AND status.code = 'US'
WITH ('transactions.type' = 'file_source', 'transactions.path' = 'inputs/events.jsonl',
      'transactions.schema' = 'event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT',
      'location.type' = 'file_source', 'location.path' = 'inputs/regions.csv',
      'location.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
