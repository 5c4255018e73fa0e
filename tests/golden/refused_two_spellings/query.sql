-- A15: two columns that fit only when case is ignored
-- exit: 2
SELECT ID FROM orders WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT, Id BIGINT')
