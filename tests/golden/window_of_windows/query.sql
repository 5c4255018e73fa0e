-- A56: windows of windows
SELECT date_bin(INTERVAL '20' MINUTE, w) AS twenty, max(n) AS most, count(*) AS minutes FROM (SELECT tumble(ts, INTERVAL '1' MINUTE) AS w, count(*) AS n FROM clicks GROUP BY tumble(ts, INTERVAL '1' MINUTE)) m GROUP BY 1
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
