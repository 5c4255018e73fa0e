-- A56: many aggregates, some DISTINCT, some with FILTER
SELECT k, window_start, count(DISTINCT v) AS vs, sum(DISTINCT v) AS total, count(*) FILTER (WHERE v > 2) AS large, avg(v) AS mean, median(CAST(v AS DOUBLE)) AS middle, min(k) AS least, stddev(v) AS spread, bool_and(v > 1) AS all_large, array_agg(id ORDER BY id DESC) AS ids FROM visits GROUP BY k, session(ts, INTERVAL '30' SECONDS)
WITH ('visits.type' = 'file_source', 'visits.path' = 'inputs/visits.jsonl',
      'visits.schema' = 'id BIGINT, k VARCHAR, v BIGINT, ts TIMESTAMP',
      'visits.event_time' = 'ts',
      'visits.watermark.max_out_of_orderness' = '60s')
