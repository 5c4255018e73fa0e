-- A56 A30: sessions joined with the rows that follow their beginnings
SELECT s.user_id, s.b, s.n, p.purchase_id FROM (SELECT user_id, window_start AS b, count(*) AS n FROM clicks GROUP BY user_id, session(ts, INTERVAL '3' MINUTES)) s LEFT JOIN purchases p ON s.user_id = p.user_id AND p.ts BETWEEN s.b AND s.b + INTERVAL '4' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
