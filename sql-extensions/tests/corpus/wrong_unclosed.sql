SELECT (a FROM t WHERE b = 'c
