-- A56: date_trunc of the event time is a window
SELECT date_trunc('hour', ts) AS hour, count(*) AS n, avg(click_id) AS mean FROM clicks GROUP BY date_trunc('hour', ts)
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
