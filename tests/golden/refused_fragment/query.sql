-- A11: a WITH block on its own
-- exit: 2
WITH (
  'batch.strategy' = 'FixedSize',
  'max_batch_size' = '2000'
)
