-- A20: settings are written with the table name, not the alias
-- exit: 2
SELECT o.customer_id FROM orders o WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT, Id BIGINT', 'o.format' = 'json')
