SELECT device, COUNT(*) AS n, SUM(value)::BIGINT AS s, AVG(value) AS a, MIN(ts) AS first, MAX(value) FILTER (WHERE value > 3) AS m FROM readings GROUP BY device
