-- A56: no rows, no groups
-- updates: region
SELECT region, COUNT(*) AS n FROM orders GROUP BY region
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/none.jsonl', 'orders.schema' = 'id BIGINT, region VARCHAR')
