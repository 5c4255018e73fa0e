-- A42: a truth value as a condition
SELECT id, active AND tier = 'gold' AS both FROM customers WHERE NOT active OR active IS NULL
WITH (
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE'
)
