SELECT id, ROUND(x * 3) AS rounded, FLOOR(x) AS floored, CEIL(x) AS ceiled, POWER(y, 2) AS squared, SQRT(ABS(x)) AS root, GREATEST(a, b) AS larger, LEAST(a, b) AS smaller,
       CAST(SIGN(y) AS DOUBLE) AS direction
FROM measures
