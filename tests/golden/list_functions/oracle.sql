SELECT id, len(tags) AS n, list_contains(tags, 'vip') AS vip FROM carts WHERE tags IS NOT NULL
