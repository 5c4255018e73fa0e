SELECT reading_id, device, ts, value - LAG(value) OVER (PARTITION BY device ORDER BY ts, reading_id) AS d FROM readings
