-- A69: name and value are unrelated
SELECT k.id, f.label FROM kafka_source k, file_source f WHERE k.region = f.code
WITH ('kafka_source.type' = 'file_source','kafka_source.path'='inputs/orders.jsonl','kafka_source.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP','file_source.type'='file_source','file_source.path'='inputs/regions.csv')
