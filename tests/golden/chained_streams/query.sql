-- A36 A4: a statement reads the stream of the one before
CREATE STREAM enriched AS
SELECT o.id, o.amount, c.name, c.tier FROM orders o LEFT JOIN customers c ON o.customer_id = c.id
INTO enriched_file
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT, amount DECIMAL(10,2)',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
      'enriched_file.type' = 'file_sink', 'enriched_file.path' = 'out/enriched.jsonl');

CREATE STREAM gold AS
SELECT e.id, e.name FROM enriched e WHERE e.tier = 'gold' AND e.amount IS NOT NULL
INTO gold_file
WITH ('gold_file.type' = 'file_sink', 'gold_file.path' = 'out/gold.jsonl');
