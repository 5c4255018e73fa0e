SELECT reading_id, LAG(reading_id) OVER (ORDER BY ts, reading_id) AS before, ROW_NUMBER() OVER (ORDER BY ts, reading_id) AS n FROM readings
