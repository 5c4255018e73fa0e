-- A56: rows exactly the gap apart are in two sessions, those a microsecond less in one; rows out of order; one that bridges two sessions; NULL keys are one key
SELECT k, window_start, window_end, count(*) AS n, sum(v) AS total, max(id) AS last FROM visits GROUP BY k, session(ts, INTERVAL '30' SECONDS)
WITH ('visits.type' = 'file_source', 'visits.path' = 'inputs/visits.jsonl',
      'visits.schema' = 'id BIGINT, k VARCHAR, v BIGINT, ts TIMESTAMP',
      'visits.event_time' = 'ts',
      'visits.watermark.max_out_of_orderness' = '60s')
