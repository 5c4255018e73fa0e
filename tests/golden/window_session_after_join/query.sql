-- A56 A30: sessions over a join of streams
SELECT c.user_id, window_start, window_end, count(*) AS pairs, sum(p.amount) AS total FROM clicks c JOIN purchases p ON c.user_id = p.user_id WITHIN INTERVAL '5' MINUTES GROUP BY c.user_id, session(c.ts, INTERVAL '4' MINUTES)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
