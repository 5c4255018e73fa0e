-- A44 A53: NOT IN and IN over lists
SELECT v FROM a WHERE l NOT IN (SELECT l FROM b WHERE l IS NOT NULL) AND k IN (SELECT k FROM b)
WITH ('a.type' = 'file_source', 'a.path' = 'inputs/a.jsonl', 'a.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT',
      'b.type' = 'file_source', 'b.path' = 'inputs/b.jsonl', 'b.schema' = 'k STRUCT<x BIGINT, y VARCHAR>, l ARRAY<BIGINT>, v BIGINT')
