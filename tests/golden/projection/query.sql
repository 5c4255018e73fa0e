-- A17 A18 A55: columns by alias, by table name and bare; output names are aliases or last parts
SELECT o.id, orders2.label, o.amount AS total, status, o.ts order_time
FROM orders o JOIN regions orders2 ON o.region = orders2.code
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, ts TIMESTAMP',
      'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR');
