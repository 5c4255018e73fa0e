SELECT user_id, click_id, purchase_id FROM clicks c JOIN purchases p USING (user_id) WHERE epoch_us(p.ts) - epoch_us(c.ts) BETWEEN -300000000 AND 300000000 AND user_id > 1
