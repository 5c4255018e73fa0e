-- A36: a statement reads some columns of the stream of another, not the first of them, and in another order
CREATE STREAM large AS SELECT id, quantity, customer_id, amount, region FROM orders WHERE amount > 100 INTO l
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP', 'l.type' = 'file_sink', 'l.path' = 'out/l.jsonl');
SELECT region, customer_id FROM large WHERE amount < 400
