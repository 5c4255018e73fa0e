SELECT c.click_id, p.purchase_id FROM clicks c JOIN purchases p ON c.user_id = p.user_id AND p.ts - c.ts BETWEEN INTERVAL '-30 minutes' AND INTERVAL '30 minutes' WHERE c.campaign IS NOT NULL
