-- A27 A32: two tables
SELECT o.id, c.name, p.sku, o.quantity * p.price AS total FROM orders o JOIN customers c ON o.customer_id = c.id JOIN products p ON o.product_id = p.id
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
    'products.type' = 'file_source', 'products.path' = 'inputs/products.json',
    'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN'
)
