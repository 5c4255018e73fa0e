SELECT t.*, * EXCEPT (a, b), * REPLACE (a + 1 AS a) FROM t
