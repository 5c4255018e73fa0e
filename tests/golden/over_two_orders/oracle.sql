SELECT reading_id, LAG(reading_id) OVER (PARTITION BY device ORDER BY ts, value DESC NULLS FIRST, reading_id) AS before, RANK() OVER (PARTITION BY device ORDER BY ts, value) AS r FROM readings
