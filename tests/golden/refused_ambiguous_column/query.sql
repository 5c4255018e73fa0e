-- A17: a bare name found on two sides of a join
-- exit: 2
SELECT customer_id FROM orders a JOIN orders b ON a.id = b.id WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, customer_id BIGINT, Id BIGINT')
