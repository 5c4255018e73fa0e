-- A60: columns of a CSV without a declared schema
SELECT id, word, number + 1 AS next, price * 2.0 AS twice, active FROM sheet WHERE active = true OR active IS NULL
WITH ('sheet.type' = 'file_source', 'sheet.path' = 'inputs/sheet.csv')
