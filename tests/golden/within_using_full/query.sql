-- A30 A24: after the USING of a FULL JOIN, in a subquery beside another one of the same tables without
SELECT click_id, purchase_id, 'near' AS how FROM (SELECT c.click_id, p.purchase_id FROM clicks c FULL JOIN purchases p USING (user_id) WITHIN INTERVAL '1' HOUR) n
UNION ALL
SELECT c.click_id, p.purchase_id, 'any' AS how FROM clicks c LEFT JOIN purchases p USING (user_id)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts',
      'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.jsonl',
      'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP',
      'purchases.event_time' = 'ts')
