SELECT id AS cart, c.customer.name AS name, c.customer.address.zip AS zip FROM carts c
