-- A60: the low latency strategy changes no result
SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON o.customer_id = c.id
WITH ('batch.strategy' = 'low_latency', 'batch.low_latency_max_size' = '2', 'batch.low_latency_wait' = '1ms', 'batch.eager_processing' = 'true',
      'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, customer_id BIGINT',
      'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
