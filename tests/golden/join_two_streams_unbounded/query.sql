-- A33: two streams without WITHIN, as a batch
SELECT c.click_id, p.purchase_id FROM clicks c JOIN purchases p ON c.user_id = p.user_id
WITH (
    'clicks.type' = 'file_source', 'clicks.path' = 'inputs/clicks.jsonl',
    'clicks.schema' = 'click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP',
    'purchases.type' = 'file_source', 'purchases.path' = 'inputs/purchases.csv',
    'purchases.schema' = 'purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP'
)
