-- A30: the event time may be a number with a unit
SELECT a.id, b.id AS partner FROM first a JOIN second b ON a.k = b.k WITHIN INTERVAL '2' SECONDS
WITH ('first.type' = 'file_source', 'first.path' = 'inputs/first.jsonl', 'first.schema' = 'id BIGINT, k VARCHAR, at BIGINT', 'first.event_time' = 'at', 'first.event_time.unit' = 'ms',
      'second.type' = 'file_source', 'second.path' = 'inputs/second.jsonl', 'second.schema' = 'id BIGINT, k VARCHAR, at BIGINT', 'second.event_time' = 'at', 'second.event_time.unit' = 'ms')
