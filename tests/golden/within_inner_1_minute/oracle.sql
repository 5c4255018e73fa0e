SELECT c.click_id, p.purchase_id FROM clicks c INNER JOIN purchases p ON c.user_id = p.user_id AND p.ts - c.ts BETWEEN INTERVAL '-1 minute' AND INTERVAL '1 minute'
