-- Orders, enriched with their customer and their product, for three readers: the warehouse (CSV), the audit (JSON lines), analytics (Parquet by tier).
--
--   velo-sql run configs/examples/ecommerce_files.sql
--
-- The paths are relative to the folder in which it is run. ecommerce.sql is the same over Kafka.
CREATE STREAM enriched_orders AS
SELECT
    o.order_id,
    o.customer_id,
    c.name AS customer_name,
    COALESCE(c.tier, 'unknown') AS customer_tier,
    p.name AS product_name,
    o.quantity,
    o.quantity * p.price AS line_total,
    CASE
        WHEN o.quantity * p.price >= 500 THEN 'priority'
        WHEN c.tier = 'gold' THEN 'priority'
        ELSE 'standard'
    END AS lane,
    o.ordered_at
FROM orders o
LEFT JOIN customers c ON o.customer_id = c.id
INNER JOIN products p ON o.product_id = p.id
WHERE o.quantity > 0
INTO audit, fulfillment, lake
WITH (
    -- Sources: a log that grows, and two tables that are loaded before the first order.
    'orders.type' = 'file_source',
    'orders.path' = 'orders.jsonl',
    'orders.follow' = 'true',
    'orders.schema' = 'order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, ordered_at TIMESTAMP',
    'orders.event_time' = 'ordered_at',
    'customers.type' = 'file_source',
    'customers.path' = 'customers.csv',
    'customers.schema' = 'id BIGINT, name VARCHAR, tier VARCHAR',
    'products.type' = 'file_source',
    'products.path' = 'products.json',
    'products.schema' = 'id BIGINT, name VARCHAR, price DECIMAL(10,2)',

    -- Sinks: every one of them gets every row.
    'audit.type' = 'file_sink',
    'audit.path' = 'audit.jsonl',
    'audit.append' = 'true',
    'fulfillment.type' = 'file_sink',
    'fulfillment.path' = 'fulfillment.csv',
    'lake.type' = 'file_sink',
    'lake.path' = 'lake',
    'lake.format' = 'parquet',
    'lake.partition_columns' = 'customer_tier',
    'lake.roll.interval' = '5s',

    -- A bad order is counted and left out; the others go on.
    'failure_strategy' = 'LogAndContinue'
)
