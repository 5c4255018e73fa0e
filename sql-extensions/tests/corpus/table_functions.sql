SELECT * FROM generate_series(1, 5) AS g(i), UNNEST([1, 2]) AS u, LATERAL (SELECT g.i) l
