-- A41: a date compared with an ISO text compares dates
SELECT id, order_date FROM orders WHERE order_date >= '2024-01-01' AND order_date < '2024-02-01'
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, order_date DATE')
