-- A40 A41 A45 A48: dates and texts beside instants, from the year 1001 to 9999
SELECT id, ts < dt AS before, ts = dt AS same, dt > TIMESTAMP '2024-02-02 00:00:00' AS later, ts < '9999-12-31' AS text, ts BETWEEN dt AND '9999-12-31T00:00:00Z' AS between,
       ts IN (TIMESTAMP '9999-12-31T00:00:00', TIMESTAMP '2024-02-02 10:00:00') AS listed, coalesce(ts, dt) AS filled, CASE WHEN id < 4 THEN ts ELSE dt END AS branch,
       TIMESTAMP '9999-12-31T00:00:00' AS far, CAST(dt AS TIMESTAMP) AS midnight, CAST(ts AS TIMESTAMP) AS same_instant, date_trunc('day', ts) AS day, date_trunc('quarter', ts) AS quarter
FROM t
WITH ('t.type' = 'file_source', 't.path' = 'inputs/t.jsonl', 't.schema' = 'id BIGINT, ts TIMESTAMP, dt DATE')
