WITH 'v\''w' AS (SELECT 1) SELECT a 'b\''c', d.'e\''f', * EXCEPT (a,'b\''c'), * REPLACE (1 AS 'g\''h') FROM 't', 'u\''''v' 'w\''x'
