SELECT c.click_id, d.click_id AS next FROM clicks c LEFT JOIN clicks d ON c.user_id = d.user_id AND d.ts > c.ts AND d.ts <= c.ts + INTERVAL '3' MINUTE
