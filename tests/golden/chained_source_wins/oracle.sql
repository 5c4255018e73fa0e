SELECT id AS code FROM orders; SELECT code, label FROM regions
