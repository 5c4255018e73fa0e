SELECT time_bucket(INTERVAL '10 minutes', ts) AS window_start, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY 1
