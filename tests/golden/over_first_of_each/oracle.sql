SELECT reading_id, device, value FROM (SELECT reading_id, device, value, ROW_NUMBER() OVER (PARTITION BY device, value ORDER BY ts, reading_id) AS n FROM readings) numbered WHERE n = 1
