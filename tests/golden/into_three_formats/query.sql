-- A3 A13: every sink gets each row
SELECT id, amount, status FROM orders WHERE amount IS NOT NULL
INTO lines, table_file, columnar
WITH ('orders.type'='file_source','orders.path'='inputs/orders.jsonl','orders.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
 'lines.type'='file_sink','lines.path'='out/lines.jsonl','table_file.type'='file_sink','table_file.path'='out/table_file.csv','columnar.type'='file_sink','columnar.path'='out/columnar.parquet')
