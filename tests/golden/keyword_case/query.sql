-- A14 A15: keywords in any case, blanks at the ends of lines
select o.id As Ident, o.status
from   orders As o   
  wHeRe o.amount Is Not nUlL
iNtO o1   
with ('orders.type'='file_source','orders.path'='inputs/orders.jsonl','orders.schema'='id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP','o1.type'='file','o1.path'='out/o1.jsonl')
