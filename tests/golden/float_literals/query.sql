-- A53: numbers with a point
SELECT id, 0.5 AS half, 10.0 AS ten, x * 0.1 AS tenth FROM measures
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
