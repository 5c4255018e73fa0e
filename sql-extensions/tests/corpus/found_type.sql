SELECT CAST(a AS ODD('''' 2)), CAST(b AS ODD), x::ODD('a') FROM UNNEST([1]) 'u\''v', t
