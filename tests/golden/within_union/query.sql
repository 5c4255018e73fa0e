-- A30 A12: a join by time of all branches of a union
SELECT x.user_id, x.what, p.purchase_id FROM (SELECT user_id, ts, page AS what FROM clicks UNION ALL SELECT user_id, ts, page FROM views) x LEFT JOIN purchases p ON x.user_id = p.user_id AND p.ts BETWEEN x.ts AND x.ts + INTERVAL '3' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'views.type' = 'file_source', 'views.path' = 'inputs/views.jsonl',
      'views.schema' = 'view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP',
      'views.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
