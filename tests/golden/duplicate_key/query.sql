-- A66: of two settings of one key the last wins
SELECT code FROM regions
WITH ('regions.type' = 'file_source', 'regions.path' = 'inputs/missing.csv', 'regions.path' = 'inputs/regions.csv', 'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
