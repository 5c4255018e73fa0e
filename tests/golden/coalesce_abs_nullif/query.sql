-- A48 A49: the first that is not NULL; NULL in, NULL out
SELECT id, COALESCE(amount, 0) AS amount_or_zero, COALESCE(note, status, 'none') AS text_or_none, COALESCE(quantity, customer_id, -1) AS n,
       ABS(amount) AS absolute, ABS(quantity - 4) AS distance, NULLIF(quantity, 0) AS nonzero, NULLIF(status, 'new') AS not_new
FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP')
