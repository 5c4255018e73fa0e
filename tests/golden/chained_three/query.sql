-- A36 A3: a chain of three; the last one writes to standard output
CREATE STREAM a AS SELECT id, amount, region FROM orders WHERE amount IS NOT NULL INTO first WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, amount DECIMAL(10,2), region VARCHAR',
  'first.type' = 'file_sink', 'first.path' = 'out/first.jsonl');
CREATE STREAM b AS SELECT id, amount * 2 AS twice, region FROM a INTO second WITH ('second.type' = 'file_sink', 'second.path' = 'out/second.jsonl');
SELECT b.id, b.twice, r.label FROM b JOIN regions r ON b.region = r.code WITH ('regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
      'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR')
