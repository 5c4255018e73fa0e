-- A56: date_bin of the event time is a window
SELECT date_bin(INTERVAL '5' MINUTE, ts) AS five, campaign, count(*) FILTER (WHERE page IS NOT NULL) AS with_page FROM clicks GROUP BY 1, 2 HAVING count(*) > 1
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
