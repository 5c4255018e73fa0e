-- A56: sessions of each user; a row without a time belongs to a session without beginning and end
SELECT user_id, window_start, window_end, count(*) AS n, min(click_id) AS first FROM clicks GROUP BY session(ts, INTERVAL '3' MINUTES), user_id
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
