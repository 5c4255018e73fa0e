-- A3 A12 A13: INTO after WHERE without CREATE STREAM; the simple type file takes its role from the clause
SELECT id, amount FROM orders WHERE amount > 100 INTO large
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, amount DECIMAL(10,2)',
      'large.type' = 'file', 'large.path' = 'out/large.json', 'large.format' = 'jsonlines')
