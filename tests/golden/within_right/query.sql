-- A26 A30: event times differ by at most the interval, both ways, bounds included; NULL times never match
SELECT c.click_id, p.purchase_id, c.page, p.amount FROM clicks c RIGHT JOIN purchases p ON c.user_id = p.user_id WITHIN INTERVAL '2' MINUTES
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
