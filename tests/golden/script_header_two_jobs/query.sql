-- A8 A10 A35: two jobs in one script, each with its own reader of one source
-- SQL Application: SplitByRegion

CREATE STREAM european AS
SELECT id, region FROM orders WHERE region = 'EU'
INTO eu
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, region VARCHAR',
      'eu.type' = 'file_sink', 'eu.path' = 'out/eu.jsonl');

CREATE STREAM other AS
SELECT id, region, amount FROM orders WHERE region <> 'EU' OR region IS NULL
INTO rest
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, region VARCHAR, amount DECIMAL(10,2)',
      'rest.type' = 'file_sink', 'rest.path' = 'out/rest.jsonl')
