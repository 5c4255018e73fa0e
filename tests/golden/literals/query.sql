-- A53 A54: literals of all kinds
SELECT 100 AS n, 1048576 AS big, 'URGENT' AS priority, 'it''s' AS quoted, true AS yes, NULL AS nothing, id FROM measures
WITH (
    'measures.type' = 'file_source', 'measures.path' = 'inputs/measures.csv',
    'measures.schema' = 'id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR'
)
