CREATE STREAM all_of AS
SELECT * FROM src
INTO a, "b c", `d`;
