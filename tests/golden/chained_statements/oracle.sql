SELECT id, amount, region FROM orders WHERE amount > 100;
SELECT l.id, l.amount * 2 AS twice, r.label FROM large l LEFT JOIN regions r ON l.region = r.code
