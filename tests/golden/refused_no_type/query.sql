-- A6 A20: INTO without WITH parses; the type of the source is missing
-- exit: 2
CREATE STREAM copied AS SELECT * FROM processed_data INTO primary_kafka, backup_file
