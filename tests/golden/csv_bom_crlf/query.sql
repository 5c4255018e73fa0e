-- A60: a byte order mark and Windows line ends
SELECT code, label FROM sheet
WITH ('sheet.type' = 'file_source', 'sheet.path' = 'inputs/sheet.csv', 'sheet.schema' = 'code VARCHAR, label VARCHAR')
