-- A51: bytes, not characters
SELECT id, name, BYTE_LENGTH(name) AS bytes FROM customers WHERE BYTE_LENGTH(name) > 4 OR name IS NULL
WITH (
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE'
)
