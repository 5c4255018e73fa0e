-- A41: parts and truncation of instants
SELECT id, date_trunc('hour', ts) AS hour, date_trunc('minute', ts) AS minute, CAST(EXTRACT(MINUTE FROM ts) AS BIGINT) AS minute_no, CAST(EXTRACT(YEAR FROM order_date) AS BIGINT) AS year,
       ts + INTERVAL '90' SECOND AS later, CAST(ts AS DATE) AS day
FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, order_date DATE, ts TIMESTAMP')
