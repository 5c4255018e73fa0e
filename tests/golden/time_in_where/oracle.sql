SELECT c.click_id, p.purchase_id FROM clicks c, purchases p WHERE c.user_id = p.user_id AND p.ts >= c.ts AND epoch_us(p.ts) - epoch_us(c.ts) < 360000000 AND p.amount > 10
