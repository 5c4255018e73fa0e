-- A60: columns in the order of the schema
SELECT n, s FROM t WITH ('t.type'='file_source','t.path'='inputs/t.csv','t.has_headers'='false','t.schema'='n BIGINT, s VARCHAR')
