-- A68: a key of no source, sink or job; the nearest is named
-- exit: 2
SELECT customer_id FROM orders WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT, Id BIGINT', 'orders.pathh' = 'x')
