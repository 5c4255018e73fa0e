-- A60 A61 A62 A63 A64 A65: comments of all styles, blank lines, a trailing comma
# before it all
SELECT id, status
FROM orders
WITH (
    -- a comment's quote opens nothing
    'orders.type' = 'file_source', -- after a comma: déjà vu

    # they're skipped, too
    'orders.path' = 'inputs/orders.jsonl', /* a block,
    of two lines */
   
    'orders.schema' = 'id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP', -- the last one
)
# the end
