SELECT c.click_id, p.purchase_id, c.page, p.amount FROM clicks c FULL OUTER JOIN purchases p ON c.user_id = p.user_id AND epoch_us(p.ts) - epoch_us(c.ts) BETWEEN -3600000000 AND 3600000000
