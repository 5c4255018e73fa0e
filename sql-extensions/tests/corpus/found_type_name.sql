SELECT a ::  d.'e\''f', CAST(b AS 'u\''v') FROM t
