-- A56: windows of the beginnings of sessions, and of their ends
SELECT tumble(b, INTERVAL '10' MINUTES) AS ten, count(*) AS sessions, max(n) AS most FROM (SELECT user_id, window_start AS b, count(*) AS n FROM clicks GROUP BY user_id, session(ts, INTERVAL '3' MINUTES)) s GROUP BY 1 UNION ALL SELECT date_bin(INTERVAL '10' MINUTES, e), count(*), NULL FROM (SELECT user_id, window_end AS e FROM clicks GROUP BY user_id, session(ts, INTERVAL '3' MINUTES)) s GROUP BY 1
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
