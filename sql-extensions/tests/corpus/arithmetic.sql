SELECT -a + b * (c - 1.5e3) / 2 % 3, a || 'x', ~b & 3 | c ^ 1 FROM t
