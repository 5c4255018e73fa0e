-- A40: whole numbers
SELECT id, a + b AS s, a - b AS t, a * b AS m, -a AS n, (a + 1) * (b - 1) AS p FROM measures WHERE a IS NULL OR a < 1000
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
