SELECT id, true AS t, true AS same FROM orders
