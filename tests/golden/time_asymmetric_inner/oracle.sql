SELECT c.click_id, p.purchase_id, c.ts, p.ts AS bought FROM clicks c INNER JOIN purchases p ON c.user_id = p.user_id AND p.ts BETWEEN c.ts - INTERVAL '2' MINUTE AND c.ts + INTERVAL '9' MINUTE
