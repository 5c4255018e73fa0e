-- A56 A12: windows over all branches of a union
SELECT window_start, what, count(*) AS n FROM (SELECT ts, page AS what FROM clicks UNION ALL SELECT ts, 'purchase' FROM purchases) x GROUP BY tumble(ts, INTERVAL '10' MINUTES), what
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
