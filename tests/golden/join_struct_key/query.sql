-- A28 A18: structs as join keys, NULL ones and NULL fields among them
SELECT a.v, b.v AS bv FROM a FULL JOIN b ON a.k = b.k
WITH ('a.type' = 'file_source', 'a.path' = 'inputs/a.jsonl', 'a.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT',
      'b.type' = 'file_source', 'b.path' = 'inputs/b.jsonl', 'b.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT')
