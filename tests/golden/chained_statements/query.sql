-- A8 A36: a statement reads another
CREATE STREAM large AS SELECT id, amount, region FROM orders WHERE amount > 100
WITH ('orders.type'='file_source','orders.path'='inputs/orders.jsonl','orders.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP');
CREATE STREAM named AS SELECT l.id, l.amount * 2 AS twice, r.label FROM large l LEFT JOIN regions r ON l.region = r.code
INTO o
WITH ('regions.type'='file_source','regions.path'='inputs/regions.csv','regions.schema'='code VARCHAR, label VARCHAR, country VARCHAR','o.type'='file_sink','o.path'='out/o.jsonl');
