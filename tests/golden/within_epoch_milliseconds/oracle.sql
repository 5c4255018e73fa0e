SELECT a.id, b.id AS partner FROM first a JOIN second b ON a.k = b.k AND b.at - a.at BETWEEN -2000 AND 2000
