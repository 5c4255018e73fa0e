SELECT c.click_id, c.ts FROM clicks c WHERE EXISTS (SELECT 1 FROM purchases p WHERE p.user_id = c.user_id AND p.ts BETWEEN c.ts AND c.ts + INTERVAL '10' MINUTE)
