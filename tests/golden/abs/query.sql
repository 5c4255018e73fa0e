-- A49: absolute values, NULL stays NULL
SELECT id, ABS(a) AS a, ABS(x) AS x, ABS(d) AS d FROM measures
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
