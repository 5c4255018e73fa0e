-- A56 A12: sessions over all branches of a union
SELECT user_id, window_start, window_end, count(*) AS n, sum(paid) AS paid FROM (SELECT user_id, ts, CAST(NULL AS DECIMAL(10,2)) AS paid FROM clicks UNION ALL SELECT user_id, ts, amount FROM purchases) x GROUP BY user_id, session(ts, INTERVAL '3' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
