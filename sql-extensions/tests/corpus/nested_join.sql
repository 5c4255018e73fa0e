SELECT * FROM (a JOIN b ON a.x = b.x) JOIN c ON c.y = a.y
