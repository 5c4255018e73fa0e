SELECT id, ts < now() AS past, true AS known, 'new' AS age, true AS same FROM orders
