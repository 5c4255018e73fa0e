SELECT a,
	b
FROM t
INTO s
WITH (
	'k' = 'v'
)
