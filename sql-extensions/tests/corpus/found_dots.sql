SELECT c. 1, 1 . a, a . b, .5, 5. FROM t
