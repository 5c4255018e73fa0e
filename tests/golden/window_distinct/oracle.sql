SELECT DISTINCT make_timestamptz(epoch_us(ts) - ((epoch_us(ts) % 600000000) + 600000000) % 600000000) AS ten, campaign FROM clicks
