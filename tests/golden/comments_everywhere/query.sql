-- A47 A61 A62 A63 A64: comments of every style, with quotes in them, also in WITH and after the last entry
/* a block over
   two lines, don't mind the ' */
SELECT id, -- the key; it's "first"
       /* before */ amount /* after */ -- Größe: 世界
FROM orders -- INTO nowhere
WHERE status != '--' -- not a comment: '--'
  AND status != '/* no */' # neither is this: '1' HOUR
# a whole line, before WITH
WITH ( -- opened
  # they're settings
  'orders.type' = 'file_source', -- instead of 'kafka_source'
   	
  'orders.path' = 'inputs/orders.jsonl', # comment after a comma

  /* 'orders.path' = 'inputs/none.jsonl', */
  'orders.schema' = 'id BIGINT, amount DECIMAL(10,2), status VARCHAR' -- last entry
  # end ☃
) -- done
