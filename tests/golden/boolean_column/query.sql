-- A53: a truth value that CSV wrote as text
SELECT id, name FROM customers WHERE active = true
WITH (
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE'
)
