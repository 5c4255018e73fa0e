SELECT id, km FROM rides WHERE km >= 10 AND NOT (driver IS NULL OR driver = 'it''s me')
