-- A41 A55: instants compared with ISO text, and printed in UTC
SELECT event_id, timestamp, e.timestamp AS at FROM events e WHERE timestamp >= '2024-03-01T08:10:00Z' AND e.timestamp < '2024-03-01T08:25:00Z'
WITH ('events.type' = 'file_source', 'events.path' = 'inputs/events.jsonl',
      'events.schema' = 'event_id BIGINT, timestamp TIMESTAMP')
