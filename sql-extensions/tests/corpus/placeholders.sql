SELECT $1, ?, :name FROM t WHERE x = $2
