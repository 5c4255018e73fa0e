-- A36: a configured source wins over a stream of its name
CREATE STREAM regions AS SELECT id AS code FROM orders INTO ids WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT', 'ids.type' = 'file_sink', 'ids.path' = 'out/ids.jsonl');
SELECT code, label FROM regions WITH ('regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
