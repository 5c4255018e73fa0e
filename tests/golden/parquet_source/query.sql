-- A60: Parquet of another program
SELECT id, amount, status FROM orders WHERE amount > 100 WITH ('orders.type'='file_source','orders.path'='inputs/orders.parquet')
