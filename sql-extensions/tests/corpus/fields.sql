SELECT a['k'], a[1], b.c.d, a[1][2], [1, 2], {'k': 1}, a[1:2] FROM t
