SELECT c.click_id, p.purchase_id FROM clicks c LEFT JOIN purchases p ON c.user_id = p.user_id AND p.ts - c.ts BETWEEN INTERVAL '-10 minutes' AND INTERVAL '10 minutes'
