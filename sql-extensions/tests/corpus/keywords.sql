SELECT t.timestamp, t.location, t.status, t.into, t.within FROM t ORDER BY t.timestamp
