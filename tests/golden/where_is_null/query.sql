-- A43: IS NULL and IS NOT NULL; a missing field is NULL
SELECT id, note, customer_id FROM orders WHERE note IS NOT NULL AND customer_id IS NULL OR region IS NULL
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, region VARCHAR, note VARCHAR')
