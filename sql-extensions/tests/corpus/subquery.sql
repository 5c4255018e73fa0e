SELECT s.n FROM (SELECT count(*) AS n FROM t GROUP BY k HAVING count(*) > 2) AS s WHERE s.n IN (SELECT n FROM u)
