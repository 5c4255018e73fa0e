SELECT reading_id, device FROM readings QUALIFY ROW_NUMBER() OVER (PARTITION BY device ORDER BY ts, reading_id) <= 3
