-- A56: keys and aggregates that are expressions; how long sessions are
SELECT upper(page) AS place, user_id % 2 AS odd, window_end - window_start > INTERVAL '6' MINUTES AS long, max(click_id * 2) - min(click_id) AS span FROM clicks GROUP BY session(ts, INTERVAL '5' MINUTES), upper(page), user_id % 2
WITH ('clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
      'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
      'clicks.event_time' = 'ts')
