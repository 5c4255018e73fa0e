SELECT id, name, octet_length(encode(name)) AS bytes FROM customers WHERE octet_length(encode(name)) > 4 OR name IS NULL
