SELECT reading_id, reading_id AS l, value AS own FROM readings
