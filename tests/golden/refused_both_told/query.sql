-- A8: every faulty statement is told, and nothing starts
-- exit: 2
CREATE STREAM good AS SELECT id FROM orders INTO made WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT, Id BIGINT', 'made.type' = 'file_sink', 'made.path' = 'out/made.jsonl');
SELECT a FROM first_missing;
SELECT b FROM second_missing;
