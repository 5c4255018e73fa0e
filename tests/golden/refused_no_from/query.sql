-- A7: a statement without FROM has no source
-- exit: 2
SELECT 100 as constant_value
