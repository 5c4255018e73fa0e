SELECT 41 + 1 AS answer
