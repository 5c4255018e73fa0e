-- One file of settings for each source and sink; those of Kafka extend a common one.
--
--   velo-sql validate configs/examples/shop/purchases.sql
--
-- needs the variables DB_USER, DB_PASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
CREATE STREAM confirmed_purchases AS
SELECT
    p.purchase_id,
    p.purchase_date,
    p.quantity,
    m.member_name,
    m.member_tier,
    c.title,
    p.quantity * c.price AS total,
    CURRENT_TIMESTAMP AS confirmed_at
FROM purchases p
JOIN members m ON p.member_id = m.id
JOIN catalogue c ON p.sku = c.sku
WHERE p.quantity > 0
INTO confirmations, warehouse, trail
WITH (
    'purchases.type' = 'kafka_source',
    'purchases.config_file' = 'purchases.yaml',
    'members.type' = 'database_source',
    'members.config_file' = 'members.yaml',
    'catalogue.type' = 'file_source',
    'catalogue.config_file' = 'catalogue.yaml',

    'confirmations.type' = 'kafka_sink',
    'confirmations.config_file' = 'confirmations.yaml',
    'warehouse.type' = 's3_sink',
    'warehouse.config_file' = 'warehouse.yaml',
    'trail.type' = 'file_sink',
    'trail.config_file' = 'trail.yaml'
);
