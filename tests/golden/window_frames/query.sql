-- A56 A50: running and moving sums
-- modes: batch
SELECT id, SUM(quantity) OVER (ORDER BY ts) AS running, SUM(quantity) OVER (PARTITION BY status ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS moving,
       RANK() OVER (ORDER BY region, ts) AS place, COUNT(*) OVER (PARTITION BY region) AS in_region
FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, quantity BIGINT, status VARCHAR, region VARCHAR, ts TIMESTAMP')
