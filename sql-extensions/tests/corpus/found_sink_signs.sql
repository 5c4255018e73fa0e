SELECT 1 FROM t INTO "@", "$x", "a#b", "a$1", `#`
