SELECT reading_id, array_agg(reading_id) OVER (PARTITION BY device ORDER BY ts, reading_id ROWS 2 PRECEDING) AS ids FROM readings
