SELECT c.click_id, d.click_id AS other FROM clicks c JOIN clicks d ON c.ts = d.ts AND c.click_id <= d.click_id
