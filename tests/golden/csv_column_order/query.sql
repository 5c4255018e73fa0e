-- A16: the header may order columns differently from the schema
SELECT * FROM sheet
WITH ('sheet.type' = 'file_source', 'sheet.path' = 'inputs/sheet.csv', 'sheet.schema' = 'code VARCHAR, label VARCHAR, n BIGINT')
