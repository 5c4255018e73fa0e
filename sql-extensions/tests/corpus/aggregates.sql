SELECT k, count(DISTINCT x), sum(y) FILTER (WHERE y > 0), string_agg(z, ',' ORDER BY z) FROM t GROUP BY ROLLUP (k), GROUPING SETS ((a), ())
