-- A28 A53: lists as join keys, beside a second key
SELECT a.v, b.v AS bv FROM a LEFT JOIN b ON a.l = b.l AND a.k.x = b.k.x
WITH ('a.type' = 'file_source', 'a.path' = 'inputs/a.jsonl', 'a.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT',
      'b.type' = 'file_source', 'b.path' = 'inputs/b.jsonl', 'b.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT')
