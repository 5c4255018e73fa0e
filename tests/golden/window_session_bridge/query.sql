-- A56: the row between two sessions comes last; all rows are one key
SELECT window_start, window_end, count(*) AS n, string_agg(k, ',' ORDER BY id) AS keys FROM visits GROUP BY session(ts, INTERVAL '25' SECONDS)
WITH ('visits.type' = 'file_source', 'visits.path' = 'inputs/visits.jsonl',
      'visits.schema' = 'id BIGINT, k VARCHAR, v BIGINT, ts TIMESTAMP',
      'visits.event_time' = 'ts',
      'visits.watermark.max_out_of_orderness' = '60s')
