-- A56: no aggregate at all
SELECT DISTINCT campaign, window_start, window_end FROM clicks GROUP BY session(ts, INTERVAL '2' MINUTES), campaign
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
