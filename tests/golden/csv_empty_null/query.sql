-- A43: an empty cell is NULL, a quoted empty cell is the empty text
SELECT id, text, text IS NULL AS missing, LENGTH(text) AS characters, number FROM sheet
WITH ('sheet.type' = 'file_source', 'sheet.path' = 'inputs/sheet.csv', 'sheet.schema' = 'id BIGINT, text VARCHAR, number BIGINT')
