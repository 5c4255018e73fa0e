-- head ' "
# hash it's
SELECT a /* b /* c */ ' */, '#' -- d
FROM t # e
WITH ( # f
 'k' = 'v', -- g's
)
