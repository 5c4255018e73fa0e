-- A56 A33: windows of two streams joined by their beginnings
SELECT c.w, c.n AS clicks, p.n AS purchases, p.total FROM (SELECT date_bin(INTERVAL '10' MINUTE, ts) AS w, count(*) AS n FROM clicks GROUP BY 1) c LEFT JOIN (SELECT date_bin(INTERVAL '10' MINUTE, ts) AS w, count(*) AS n, sum(amount) AS total FROM purchases GROUP BY 1) p ON c.w = p.w
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
