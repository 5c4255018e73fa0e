SELECT c.click_id, p.purchase_id FROM clicks c JOIN purchases p ON p.ts BETWEEN c.ts AND c.ts + INTERVAL '30' SECOND
