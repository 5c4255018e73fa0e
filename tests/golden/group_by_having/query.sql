-- A56: HAVING and an expression as the key
-- modes: batch
SELECT COALESCE(tier, 'none') AS class, active, COUNT(*) AS n FROM customers GROUP BY COALESCE(tier, 'none'), active HAVING COUNT(*) > 1
WITH ('customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
      'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE')
