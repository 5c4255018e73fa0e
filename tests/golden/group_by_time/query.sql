-- A56 A41: ten-minute windows by date_bin
-- updates: window_start
SELECT date_bin(INTERVAL '10' MINUTE, ts) AS window_start, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY date_bin(INTERVAL '10' MINUTE, ts)
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP')
