-- A56: conditions on the session, on keys and on aggregates
SELECT k, window_start, count(*) AS n FROM visits WHERE v > 0 GROUP BY k, session(ts, INTERVAL '30' SECONDS) HAVING count(*) > 1 AND window_start > TIMESTAMP '2024-03-01 08:00:05' AND window_end < TIMESTAMP '2024-03-01 08:03:25' AND k < 'd'
WITH ('visits.type' = 'file_source', 'visits.path' = 'inputs/visits.jsonl',
      'visits.schema' = 'id BIGINT, k VARCHAR, v BIGINT, ts TIMESTAMP',
      'visits.event_time' = 'ts',
      'visits.watermark.max_out_of_orderness' = '60s')
