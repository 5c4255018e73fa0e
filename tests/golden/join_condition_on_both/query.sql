-- A28: a condition over both sides
SELECT o.id, p.sku FROM orders o LEFT JOIN products p ON o.product_id = p.id AND o.amount > p.price
WITH (
    'orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP',
    'products.type' = 'file_source', 'products.path' = 'inputs/products.json',
    'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN'
)
