SELECT COALESCE(l.x, r.x, 'none') FROM l LEFT OUTER JOIN r ON l.k = r.k OR l.j = r.j WITHIN INTERVAL '1 hour'
