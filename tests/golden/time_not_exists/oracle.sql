SELECT c.click_id, c.ts FROM clicks c WHERE NOT EXISTS (SELECT 1 FROM purchases p WHERE p.user_id = c.user_id AND p.ts >= c.ts - INTERVAL '1' MINUTE AND p.ts < c.ts + INTERVAL '10' MINUTE)
