-- A68 A60: keys of the job beside keys of sources
CREATE STREAM tuned AS SELECT id, quantity FROM orders WHERE quantity >= 1
WITH ('batch.size' = '7', 'batch.timeout' = '50ms', 'source.buffer_size' = '100', 'failure_strategy' = 'LogAndContinue', 'orders.batch.size' = '3',
      'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, quantity BIGINT')
