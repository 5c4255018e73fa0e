SELECT a FROM t WITH ('k' = 'v') INTO s
