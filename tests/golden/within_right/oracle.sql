SELECT c.click_id, p.purchase_id, c.page, p.amount FROM clicks c RIGHT JOIN purchases p ON c.user_id = p.user_id AND epoch_us(p.ts) - epoch_us(c.ts) BETWEEN -120000000 AND 120000000
