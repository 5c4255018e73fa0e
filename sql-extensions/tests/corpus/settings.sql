SELECT 1 FROM t INTO s WITH ('t.type' = 'kafka_source', 's.path' = './c/${E:-dev}_x.yaml', 'a' = '', '' = 'b', 'q' = 'it''s', 'u' = 'é🦀')
