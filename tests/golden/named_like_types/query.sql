-- A69: a source and a sink called like types
SELECT s.id, s.status FROM file_source s WHERE s.status = 'paid' INTO file_sink
WITH ('file_source.type' = 'file_source', 'file_source.path' = 'inputs/orders.jsonl',
      'file_source.schema' = 'id BIGINT, status VARCHAR',
      'file_sink.type' = 'file_sink', 'file_sink.path' = 'out/file_sink.jsonl')
