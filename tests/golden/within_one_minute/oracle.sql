SELECT c.click_id, p.purchase_id, c.page, p.amount FROM clicks c JOIN purchases p ON c.user_id = p.user_id AND epoch_us(p.ts) - epoch_us(c.ts) BETWEEN -60000000 AND 60000000
