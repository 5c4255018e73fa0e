-- A56: DISTINCT and GROUP BY, sorted and cut
-- modes: batch
-- order: exact
SELECT DISTINCT customer_id AS k FROM orders WHERE customer_id IS NOT NULL ORDER BY k DESC LIMIT 1
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)')
