-- A56: one DISTINCT aggregate alone, which the optimiser makes one more group of elsewhere
SELECT k, count(DISTINCT v) AS vs FROM visits GROUP BY k, session(ts, INTERVAL '30' SECONDS)
WITH ('visits.type' = 'file_source', 'visits.path' = 'inputs/visits.jsonl',
      'visits.schema' = 'id BIGINT, k VARCHAR, v BIGINT, ts TIMESTAMP',
      'visits.event_time' = 'ts',
      'visits.watermark.max_out_of_orderness' = '60s')
