-- A52: CURRENT_TIMESTAMP is an instant and needs no brackets
SELECT id, CURRENT_TIMESTAMP > ts AS past, CURRENT_TIMESTAMP IS NOT NULL AS known, CASE WHEN CURRENT_TIMESTAMP < '2024-01-01T00:00:00Z' THEN 'old' ELSE 'new' END AS age,
       CURRENT_TIMESTAMP = now() AS same
FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, ts TIMESTAMP')
