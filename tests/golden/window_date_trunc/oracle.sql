SELECT date_trunc('hour', ts) AS hour, count(*) AS n, avg(click_id) AS mean FROM clicks GROUP BY 1
