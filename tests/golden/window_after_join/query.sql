-- A56 A30: windows over a join of streams
SELECT window_start, count(*) AS pairs, sum(p.amount) AS total FROM clicks c JOIN purchases p ON c.user_id = p.user_id WITHIN INTERVAL '5' MINUTES GROUP BY tumble(c.ts, INTERVAL '10' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
