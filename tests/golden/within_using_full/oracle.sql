SELECT c.click_id, p.purchase_id, 'near' AS how FROM clicks c FULL JOIN purchases p ON c.user_id = p.user_id AND epoch_us(p.ts) - epoch_us(c.ts) BETWEEN -3600000000 AND 3600000000
UNION ALL
SELECT c.click_id, p.purchase_id, 'any' AS how FROM clicks c LEFT JOIN purchases p USING (user_id)
