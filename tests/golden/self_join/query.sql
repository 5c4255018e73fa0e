-- A27: a table joined with itself under another name
SELECT s.name, m.name AS manager FROM staff s LEFT JOIN bosses m ON s.manager_id = m.id
WITH (
    'staff.type' = 'file_source', 'staff.path' = 'inputs/staff.jsonl',
    'staff.schema' = 'id BIGINT, name VARCHAR, manager_id BIGINT, salary BIGINT',
    'bosses.type' = 'file_source', 'bosses.path' = 'inputs/staff.csv',
    'bosses.schema' = 'id BIGINT, name VARCHAR, manager_id BIGINT, salary BIGINT'
)
