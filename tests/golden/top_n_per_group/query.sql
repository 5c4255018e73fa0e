-- A56 A50: the newest two orders of each region
-- modes: batch
SELECT region, id, ts FROM (SELECT region, id, ts, ROW_NUMBER() OVER (PARTITION BY region ORDER BY ts DESC) AS place FROM orders) ranked WHERE place <= 2
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, region VARCHAR, ts TIMESTAMP')
