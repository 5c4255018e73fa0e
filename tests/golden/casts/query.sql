-- A40: casts that always fit
SELECT id, CAST(a AS VARCHAR) AS t, CAST(b AS DOUBLE) AS f, CAST(e AS DECIMAL(12,4)) AS d, CAST(flag AS INT) AS n FROM measures
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
