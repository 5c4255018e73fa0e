-- A28 A41: a join without any equality
SELECT o.id, p.id AS product, p.price FROM orders o JOIN products p ON o.amount < p.price AND p.active
WITH ('orders.type' = 'file_source', 'orders.path' = 'inputs/orders.jsonl',
      'orders.schema' = 'id BIGINT, amount DECIMAL(10,2)',
      'products.type' = 'file_source', 'products.path' = 'inputs/products.jsonl',
      'products.schema' = 'id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN')
