-- A40: whole numbers, decimals and floating point
SELECT id, x * 2 + y / 4 AS f, d + e AS g, d - e AS h, a * e AS k, (x - 20) / 10.0 AS z FROM measures WHERE a IS NULL OR a < 1000
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
