-- A53: numbers with an exponent
SELECT id, id + 1e1 AS plus, id * 1e5 AS times, id - 1.5e3 AS minus, id / 1e1 AS quotient, id * -1E-2 AS small, x * 1e300 AS huge, 1e100 AS far, 2.5e-3 AS little FROM n WHERE id * 1e1 > 10
WITH ('n.type' = 'file_source', 'n.path' = 'inputs/n.jsonl', 'n.schema' = 'id BIGINT, x DOUBLE')
