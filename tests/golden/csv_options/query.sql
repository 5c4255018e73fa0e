-- A60: BOM, another delimiter, quoted line ends, empty and NULL
SELECT * FROM t WITH ('t.type'='file_source','t.path'='inputs/t.csv','t.delimiter'=';','t.schema'='id BIGINT, name VARCHAR, note VARCHAR')
