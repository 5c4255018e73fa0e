SELECT - - 1, + + a, ~ ~b, -(-c), NOT NOT d, 1 - -2 FROM t
