SELECT t.sensor, t.ts, h.humidity, (t.temperature - 20) / 10.0 AS score,
       CASE WHEN ABS(t.temperature - LAG(t.temperature, 1) OVER (PARTITION BY t.sensor ORDER BY t.ts, h.ts)) > 3.0 THEN 'SPIKE' ELSE 'NORMAL' END AS change
FROM temperature t JOIN humidity h ON t.sensor = h.sensor AND epoch_us(h.ts) - epoch_us(t.ts) BETWEEN -60000000 AND 60000000
WHERE t.temperature IS NOT NULL AND h.humidity IS NOT NULL
