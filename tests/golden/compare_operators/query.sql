-- A41: every comparison, also between texts, dates and truth values
SELECT id, amount = 100 AS eq, amount <> 100 AS ne, amount != 100 AS ne2, amount < 100 AS lt, amount <= 100 AS le, amount > 100 AS gt, amount >= 100 AS ge,
       region < 'EU' AS before_eu, order_date <= DATE '2024-01-01' AS by_new_year
FROM orders
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP')
