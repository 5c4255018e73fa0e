-- A41: ISO texts sort like dates
SELECT id, order_date FROM orders o WHERE o.order_date >= '2024-01-01'
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl', 'orders.schema' = 'id BIGINT, order_date VARCHAR')
