-- A40: division of whole numbers drops the rest
SELECT id, a / b AS q, a % b AS r FROM measures WHERE b IS NOT NULL
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
