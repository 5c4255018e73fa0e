SELECT c.click_id, p.purchase_id, c.ts, p.ts AS bought FROM clicks c INNER JOIN purchases p ON c.user_id = p.user_id AND p.ts > c.ts AND p.ts < c.ts + INTERVAL '8' MINUTE
