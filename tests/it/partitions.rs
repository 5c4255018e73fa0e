//! Partition folders are read back.

use crate::velo::{Folder, assert_balanced};

fn lake(folder: &Folder, format: &str) {
    folder.write(
        "a.jsonl",
        "{\"id\":1,\"day\":\"2024-01-05\",\"r\":\"a/b\"}\n{\"id\":2,\"day\":null,\"r\":\"c\"}\n{\"id\":3,\"day\":\"2024-01-06\",\"r\":\"ü %\"}\n{\"id\":4,\"day\":\"2024-01-05\",\"r\":\"a/b\"}\n",
    );
    let sql = format!(
        "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{format}','o.format'='{format}','o.partition_columns'='day, r')"
    );
    folder.sql(&sql).expect(0);
}

#[test]
fn the_columns_of_the_folders_come_back_in_every_format() {
    let folder = Folder::new();
    for format in ["json", "jsonlines", "csv", "parquet", "avro"] {
        lake(&folder, format);
        let from = format!("FROM t WITH ('t.type'='file','t.path'='{format}'");
        for mode in ["batch", "stream"] {
            let ran = folder.sql(&format!("SELECT * {from},'execution.mode'='{mode}')")).expect(0);
            assert_eq!(
                ran.out,
                "{\"id\":1,\"day\":\"2024-01-05\",\"r\":\"a/b\"}\n{\"id\":4,\"day\":\"2024-01-05\",\"r\":\"a/b\"}\n{\"id\":3,\"day\":\"2024-01-06\",\"r\":\"ü %\"}\n{\"id\":2,\"day\":null,\"r\":\"c\"}\n",
                "{format}"
            );
            assert_balanced(&ran.job());
        }
        // Any of the columns, in the declared types and order.
        let declared = "'t.schema'='day DATE, id INT, other VARCHAR, r VARCHAR'";
        let ran = folder
            .sql(&format!(
                "SELECT r, CAST(day AS VARCHAR) AS day, id FROM t WHERE day > DATE '2024-01-05' WITH ('t.type'='file','t.path'='{format}',{declared})"
            ))
            .expect(0);
        assert_eq!(ran.out, "{\"r\":\"ü %\",\"day\":\"2024-01-06\",\"id\":3}\n", "{format}");
        let job = ran.job();
        assert_balanced(&job);
        assert_eq!((job["in"].as_u64(), job["filtered"].as_u64()), (Some(4), Some(3)), "{format}");
        let only =
            folder.sql(&format!("SELECT day, count(*) AS n FROM t GROUP BY day ORDER BY day NULLS LAST WITH ('t.type'='file','t.path'='{format}')")).expect(0);
        assert_eq!(only.out, "{\"day\":\"2024-01-05\",\"n\":2}\n{\"day\":\"2024-01-06\",\"n\":1}\n{\"day\":null,\"n\":1}\n", "{format}");
    }
}

#[test]
fn files_of_other_folders_are_not_decoded() {
    let folder = Folder::new();
    for format in ["parquet", "avro"] {
        lake(&folder, format);
        let sql = |filter: &str| format!("SELECT id FROM t WHERE {filter} WITH ('t.type'='file','t.path'='{format}')");
        for (filter, expected) in
            [("day = '2024-01-06'", "{\"id\":3}\n"), ("day = '2024-01-05' AND id > 1 AND r <> 'x'", "{\"id\":4}\n"), ("day = 'x' OR id = 2", "{\"id\":2}\n")]
        {
            let ran = folder.sql(&sql(filter)).expect(0);
            assert_eq!(ran.out, expected, "{format} {filter}");
            let job = ran.job();
            assert_balanced(&job);
            assert_eq!(job["in"].as_u64(), Some(4));
        }
        // A file of a folder that can't match is counted by what it says itself: its rows could not be decoded any more.
        let path = folder.path().join(format!("{format}/day=2024-01-05/r=a%2Fb/part-0001.{format}"));
        let mut bytes = std::fs::read(&path).unwrap();
        let rows = if format == "parquet" { 4..24 } else { bytes.len() - 17..bytes.len() - 16 };
        bytes[rows].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let ran = folder.sql(&sql("day = '2024-01-06'")).expect(0);
        assert_eq!((ran.out.as_str(), ran.job()["in"].as_u64()), ("{\"id\":3}\n", Some(4)));
        folder.sql(&sql("id > 0")).expect(1);
    }
}

#[test]
fn values_that_do_not_fit_are_told() {
    let folder = Folder::new();
    lake(&folder, "csv");
    let sql = "SELECT * FROM t WITH ('t.type'='file','t.path'='csv','t.schema'='id BIGINT, day DATE, r BIGINT')";
    let ran = folder.sql(sql).expect(2);
    assert!(ran.err.contains("csv/day=2024-01-05/r=a%2Fb/part-0001.csv: the folder of column 'r': \"a/b\" is not BIGINT"), "{}", ran.err);
    let none = folder.sql("SELECT * FROM t WITH ('t.type'='file','t.path'='csv','t.schema'='id BIGINT, day DATE NOT NULL')").expect(2);
    assert!(none.err.contains("the folder of column 'day': is NOT NULL, but the value is NULL"), "{}", none.err);
}
