SELECT COUNT(*) AS n, SUM(value)::BIGINT AS s FROM readings WHERE value > 1000
