-- A12: branches that name their columns otherwise
SELECT id FROM t UNION ALL VALUES (77), (78) WITH ('t.type'='file_source','t.path'='inputs/t.jsonl','t.schema'='id BIGINT')
