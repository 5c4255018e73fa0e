WITH r AS (SELECT * FROM orders), s (x, y) AS (SELECT a, b FROM r) SELECT * FROM s JOIN orders o ON s.x = o.x
