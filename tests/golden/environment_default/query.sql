-- A67: variables with defaults, several in one value
SELECT code, label FROM regions
WITH ('regions.type' = 'file_source', 'regions.path' = '${GOLDEN_UNSET_FOLDER:-inputs}/${GOLDEN_UNSET_NAME:-regions}.csv', 'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
