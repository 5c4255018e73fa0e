-- A27 A29: kinds mixed, line breaks before ON
SELECT o.id, c.name, p.sku, r.label, b.reason FROM orders o
JOIN customers c
  ON o.customer_id = c.id
LEFT JOIN products p
  ON o.product_id = p.id
LEFT JOIN regions r ON o.region = r.code
LEFT JOIN blocked b ON b.customer_id = c.id
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'customers.type' = 'file_source', 'customers.path' = 'inputs/customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE',
    'products.type' = 'file_source', 'products.path' = 'inputs/products.json',
    'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN',
    'regions.type' = 'file_source', 'regions.path' = 'inputs/regions.csv',
    'regions.schema' = 'code VARCHAR, label VARCHAR, country VARCHAR',
    'blocked.type' = 'file_source', 'blocked.path' = 'inputs/blocked.jsonl',
    'blocked.schema' = 'customer_id BIGINT, reason VARCHAR'
)
