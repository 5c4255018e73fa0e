//! File sources and sinks.

use std::io::Write;

use crate::velo::{Folder, assert_balanced, eventually};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// All rows of a source `t`, as JSON lines.
fn rows(folder: &Folder, settings: &str) -> String {
    folder.run(&["--quiet", "--sql", &format!("SELECT * FROM t WITH ('t.type'='file', {settings})")]).expect(0).out
}

#[test]
fn globs_and_folders_are_read_in_the_order_of_names() {
    let folder = Folder::new();
    for (name, id) in [("d/b.jsonl", 2), ("d/a.jsonl", 1), ("d/c.jsonl", 3), ("d/.hidden.jsonl", 9)] {
        folder.write(name, format!("{{\"id\":{id}}}\n"));
    }
    let all = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n";
    assert_eq!(rows(&folder, "'t.path'='d'"), all);
    assert_eq!(rows(&folder, "'t.path'='d/*.jsonl'"), all);
    assert_eq!(rows(&folder, "'t.path'='d/[ab].jsonl'"), "{\"id\":1}\n{\"id\":2}\n");
    let missing = folder.run(&["--sql", "SELECT * FROM t WITH ('t.type'='file','t.path'='d/*.csv')"]).expect(2);
    assert!(missing.err.contains("d/*.csv: no file matches"), "{}", missing.err);
}

#[test]
fn compressed_files_are_known_by_suffix_or_key() {
    let folder = Folder::new();
    let text = "{\"id\":1}\n{\"id\":2}\n";
    let two_members = [gzip("{\"id\":1}\n"), gzip("{\"id\":2}\n")].concat();
    folder.write("a.jsonl.gz", &two_members);
    folder.write("a.jsonl.zst", zstd::encode_all(text.as_bytes(), 0).unwrap());
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(text.as_bytes()).unwrap();
    folder.write("a.jsonl.bz2", bz.finish().unwrap());
    folder.write("plain-name", &two_members);
    for settings in
        ["'t.path'='a.jsonl.gz'", "'t.path'='a.jsonl.zst'", "'t.path'='a.jsonl.bz2'", "'t.path'='plain-name','t.format'='jsonlines','t.compression'='gzip'"]
    {
        assert_eq!(rows(&folder, settings), text, "{settings}");
    }
    folder.write("cut.jsonl.gz", &two_members[..two_members.len() - 9]);
    let cut = folder.sql("SELECT * FROM t WITH ('t.type'='file','t.path'='cut.jsonl.gz','t.schema'='id BIGINT','t.max_retries'='0')").expect(1);
    assert!(cut.err.contains("cut.jsonl.gz"), "{}", cut.err);
}

#[test]
fn csv_has_its_options() {
    let folder = Folder::new();
    folder.write("a.csv", "\u{feff}id;name;note\r\n1;\"a;\"\"b\"\"\nc\";\r\n2;\"\";x\r\n");
    let expected = "{\"id\":1,\"name\":\"a;\\\"b\\\"\\nc\",\"note\":null}\n{\"id\":2,\"name\":\"\",\"note\":\"x\"}\n";
    assert_eq!(rows(&folder, "'t.path'='a.csv','t.delimiter'=';'"), expected);
    folder.write("plain.csv", "1\tx\n2\ty\n");
    assert_eq!(
        rows(&folder, "'t.path'='plain.csv','t.delimiter'='\\t','t.has_headers'='false','t.schema'='n INT, s VARCHAR'"),
        "{\"n\":1,\"s\":\"x\"}\n{\"n\":2,\"s\":\"y\"}\n"
    );
    folder.write("latin.csv", b"name\ncaf\xe9\n");
    assert_eq!(rows(&folder, "'t.path'='latin.csv','t.encoding'='latin1'"), "{\"name\":\"caf\u{e9}\"}\n");
    let utf16: Vec<u8> = "name\nü€\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.write("utf16.csv", utf16);
    assert_eq!(rows(&folder, "'t.path'='utf16.csv','t.encoding'='utf-16le'"), "{\"name\":\"ü€\"}\n");
}

#[test]
fn nested_values_are_reached_by_name_and_number() {
    let folder = Folder::new();
    folder.write("o.json", r#"[{"o":{"customer":{"id":7}},"items":[{"sku":"a","n":1},{"sku":"b","n":2}],"m":{"k":5}}, {"o":null,"items":[],"m":{}}]"#);
    let sql = "SELECT t.o.customer.id AS id, items[1].sku AS first, m['k'] AS k FROM t WITH ('t.type'='file','t.path'='o.json',
        't.schema'='o STRUCT<customer STRUCT<id BIGINT>>, items ARRAY<STRUCT<sku VARCHAR, n INT>>, m MAP<VARCHAR, BIGINT>')";
    for mode in ["batch", "stream"] {
        let ran = folder.run(&["--quiet", "--sql", sql, "--set", &format!("execution.mode={mode}")]).expect(0);
        assert_eq!(ran.out, "{\"id\":7,\"first\":\"a\",\"k\":5}\n{\"id\":null,\"first\":null,\"k\":null}\n", "{mode}");
    }
    let unnested = "SELECT u.sku FROM (SELECT UNNEST(items) AS u FROM t) WITH ('t.type'='file','t.path'='o.json')";
    for mode in ["batch", "stream"] {
        let ran = folder.run(&["--quiet", "--summary", "json", "--sql", unnested, "--set", &format!("execution.mode={mode}")]).expect(0);
        assert_eq!(ran.out, "{\"sku\":\"a\"}\n{\"sku\":\"b\"}\n", "{mode}");
        assert_balanced(&ran.job());
    }
}

#[test]
fn parquet_row_groups_that_cannot_match_are_skipped_and_counted() {
    let folder = Folder::new();
    let mut lines = String::new();
    for id in 0..1_200_000 {
        lines.push_str(&format!("{{\"id\":{id},\"s\":\"x{}\"}}\n", id % 10));
    }
    folder.write("a.jsonl", lines);
    folder.sql("SELECT * FROM a INTO p WITH ('a.type'='file','a.path'='a.jsonl','p.type'='file','p.path'='p.parquet')").expect(0);
    let ran = folder.sql("SELECT id FROM p WHERE id >= 1199999 WITH ('p.type'='file','p.path'='p.parquet')").expect(0);
    assert_eq!(ran.out, "{\"id\":1199999}\n");
    let job = ran.job();
    assert_balanced(&job);
    assert_eq!((job["in"].as_u64(), job["filtered"].as_u64()), (Some(1_200_000), Some(1_199_999)));
    // The first row group holds 2^20 rows; only the second one is decoded.
    assert!(job["sources"][0]["bytes"].as_u64().unwrap() < 151_424 * 16, "{job}");
}

#[test]
fn formats_go_round() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"t\":\"x\",\"d\":\"1.50\",\"l\":[1,2]}\n{\"id\":2,\"t\":null,\"d\":null,\"l\":null}\n");
    let schema = "'a.schema'='id BIGINT, t VARCHAR, d DECIMAL(10,2), l ARRAY<INT>'";
    for format in ["parquet", "avro", "json"] {
        folder.sql(&format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl',{schema},'o.type'='file','o.path'='o.{format}')")).expect(0);
        assert_eq!(
            rows(&folder, &format!("'t.path'='o.{format}','t.schema'='id BIGINT, t VARCHAR, d DECIMAL(10,2), l ARRAY<INT>'")),
            "{\"id\":1,\"t\":\"x\",\"d\":1.50,\"l\":[1,2]}\n{\"id\":2,\"t\":null,\"d\":null,\"l\":null}\n",
            "{format}"
        );
    }
}

#[test]
fn columns_that_differ_between_the_files_of_a_glob_are_refused() {
    let folder = Folder::new();
    folder.write("d/1.jsonl", "{\"id\":1}\n");
    folder.write("d/2.jsonl", "{\"id\":\"x\"}\n");
    let ran = folder.sql("SELECT * FROM t INTO o WITH ('t.type'='file','t.path'='d/*.jsonl','o.type'='file','o.path'='out/o.jsonl')").expect(2);
    assert!(ran.err.contains("d/1.jsonl and d/2.jsonl have different columns: column 'id' is BIGINT in one and VARCHAR in the other"), "{}", ran.err);
    assert!(!folder.exists("out"));
}

#[test]
fn standard_input_is_a_stream_that_ends() {
    let folder = Folder::new();
    let sql = "SELECT id * 2 AS d FROM t WITH ('t.type'='file','t.path'='-','t.format'='jsonlines','t.schema'='id BIGINT')";
    let ran = folder.run_with(&["--quiet", "--sql", sql], &[], b"{\"id\":1}\n{\"id\":2}").expect(0);
    assert_eq!(ran.out, "{\"d\":2}\n{\"d\":4}\n");
    let count = "SELECT count(*) AS n FROM t WITH ('t.type'='file','t.path'='-','t.format'='jsonlines','t.schema'='id BIGINT','t.until'='latest')";
    assert_eq!(folder.run_with(&["--quiet", "--sql", count], &[], b"{\"id\":1}\n{\"id\":2}\n").expect(0).out, "{\"n\":2}\n");
    let endless = count.replace(",'t.until'='latest'", "");
    // As a stream it tells how far it has come, from nothing on.
    assert_eq!(folder.run_with(&["--quiet", "--sql", &endless], &[], b"").expect(0).out, "{\"n\":0}\n");
    assert!(folder.run_with(&["--quiet", "--sql", &endless], &[], b"{\"id\":1}\n{\"id\":2}\n").expect(0).out.ends_with("{\"n\":2}\n"));
}

#[test]
fn a_growing_file_is_followed_through_torn_lines_truncation_and_replacement() {
    let folder = Folder::new();
    folder.write("log.jsonl", "{\"id\":1}\n{\"id\":");
    let sql = "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='log.jsonl','t.follow'='true','t.follow.interval'='20ms','t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--summary", "json", "--sql", sql]);
    let append = |text: &str| std::fs::OpenOptions::new().append(true).open(folder.path().join("log.jsonl")).unwrap().write_all(text.as_bytes()).unwrap();
    let has = |id: u32| move |folder: &Folder| folder.exists("o.jsonl") && folder.read("o.jsonl").contains(&format!("{{\"id\":{id}}}\n"));
    eventually("the first row", || has(1)(&folder));
    append("2}\n{\"id\":3}\n");
    eventually("the torn row", || has(3)(&folder));
    folder.write("log.jsonl", "{\"id\":4}\n");
    eventually("the row after truncation", || has(4)(&folder));
    folder.write("new.jsonl", "{\"id\":5}\n{\"id\":6}\n");
    std::fs::rename(folder.path().join("new.jsonl"), folder.path().join("log.jsonl")).unwrap();
    eventually("the rows of the new file", || has(6)(&folder));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(folder.read("o.jsonl"), (1..=6).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
}

#[test]
fn files_that_come_to_match_are_followed() {
    let folder = Folder::new();
    folder.write("in/a.jsonl", "{\"id\":1}\n");
    let sql =
        "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='in/*.jsonl','t.follow'='true','t.follow.interval'='20ms','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the first file", || folder.exists("o.jsonl") && folder.read("o.jsonl").contains("1"));
    folder.write("in/b.jsonl", "{\"id\":2}\n");
    eventually("the second file", || folder.read("o.jsonl").contains("2"));
    job.signal(libc::SIGINT);
    assert_eq!(job.wait(), 0);
}

#[test]
fn start_latest_reads_only_what_is_appended() {
    let folder = Folder::new();
    folder.write("log.csv", "id\n1\n2\n");
    let sql = "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='log.csv','t.follow'='true','t.start'='latest','t.follow.interval'='20ms','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the start", || folder.exists("o.jsonl"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::fs::OpenOptions::new().append(true).open(folder.path().join("log.csv")).unwrap().write_all(b"3\n").unwrap();
    eventually("the appended row", || folder.read("o.jsonl").contains('3'));
    job.signal(libc::SIGTERM);
    job.wait();
    assert_eq!(folder.read("o.jsonl"), "{\"id\":3}\n");
}

fn write(folder: &Folder, settings: &str) {
    folder.sql(&format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file_sink',{settings})")).expect(0);
}

#[test]
fn append_keeps_and_its_absence_replaces() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    write(&folder, "'o.path'='o.csv','o.append'='true'");
    write(&folder, "'o.path'='o.csv','o.append'='true'");
    assert_eq!(folder.read("o.csv"), "id\n1\n1\n", "one header");
    write(&folder, "'o.path'='o.csv'");
    assert_eq!(folder.read("o.csv"), "id\n1\n");
    folder.write("torn.jsonl", "{\"id\":0}");
    write(&folder, "'o.path'='torn.jsonl','o.append'='true'");
    assert_eq!(folder.read("torn.jsonl"), "{\"id\":0}\n{\"id\":1}\n");
    write(&folder, "'o.path'='z.jsonl.gz','o.compression'='gzip','o.append'='true'");
    // The suffix says it as well.
    write(&folder, "'o.path'='z.jsonl.gz','o.append'='true'");
    assert_eq!(rows(&folder, "'t.path'='z.jsonl.gz'"), "{\"id\":1}\n{\"id\":1}\n");
}

#[test]
fn rows_go_to_the_folders_of_their_partition() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"day\":\"mon\",\"r\":\"a/b\"}\n{\"id\":2,\"day\":null,\"r\":\"c\"}\n{\"id\":3,\"day\":\"mon\",\"r\":\"a/b\"}\n");
    write(&folder, "'o.path'='lake','o.format'='json','o.partition_columns'='day, r'");
    assert_eq!(folder.list("lake"), ["lake/day=__HIVE_DEFAULT_PARTITION__/r=c/part-0001.jsonl", "lake/day=mon/r=a%2Fb/part-0001.jsonl"]);
    assert_eq!(folder.read("lake/day=mon/r=a%2Fb/part-0001.jsonl"), "{\"id\":1}\n{\"id\":3}\n");
    let lacking = folder
        .sql(
            "SELECT id, day FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='l2','o.format'='csv','o.partition_columns'='dya')",
        )
        .expect(0);
    assert_eq!(lacking.err.matches("partition column 'dya' is not among the output columns (nearest: day)").count(), 1, "{}", lacking.err);
    assert_eq!(folder.list("l2"), ["l2/dya=__HIVE_DEFAULT_PARTITION__/part-0001.csv"]);
}

#[test]
fn placeholders_name_files_and_batches() {
    let folder = Folder::new();
    folder.write("a.jsonl", (1..=5).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    write(&folder, "'o.path'='out/{year}/b_{batch_id}.jsonl','execution.mode'='stream','batch.strategy'='fixed_size','batch.size'='2'");
    let year = chrono::Utc::now().format("%Y").to_string();
    assert_eq!(folder.list("out"), [1, 2, 3].map(|batch| format!("out/{year}/b_{batch}.jsonl")));
    assert_eq!(folder.read(&format!("out/{year}/b_3.jsonl")), "{\"id\":5}\n");
    write(&folder, "'o.path'='day-${DATE}.jsonl'");
    assert!(folder.exists(&format!("day-{}.jsonl", chrono::Utc::now().format("%Y-%m-%d"))));
}

#[test]
fn rolled_files_are_numbered_and_the_oldest_deleted() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..30_000).map(|id| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "x".repeat(80))).collect::<String>());
    write(&folder, "'o.path'='r/o.parquet','o.roll.size'='100KB'");
    let files = folder.list("r");
    assert!(files.len() >= 2 && files[0] == "r/o-0001.parquet", "{files:?}");
    let ran = folder.sql("SELECT count(*) AS n, count(DISTINCT id) AS d FROM t WITH ('t.type'='file','t.path'='r')").expect(0);
    assert_eq!(ran.out, "{\"n\":30000,\"d\":30000}\n");
    write(&folder, "'o.path'='m/o.jsonl','o.roll.size'='500KB','o.max_files'='2'");
    let kept = folder.list("m");
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(folder.read(&kept[1]).contains("\"id\":29999"), "the newest is kept");
}

#[test]
fn encrypted_files_are_read_with_the_key_only() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let sql = "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.enc','o.format'='json','o.encryption'='AES256')";
    let missing = folder.sql(sql).expect(2);
    assert!(missing.err.contains("there is no key") && missing.err.contains("VELO_ENCRYPTION_KEY"), "{}", missing.err);
    assert!(!folder.exists("o.enc"), "never silently plain");
    folder.run_with(&["--sql", sql], &[("VELO_ENCRYPTION_KEY", key)], b"").expect(0);
    assert!(!String::from_utf8_lossy(&std::fs::read(folder.path().join("o.enc")).unwrap()).contains("id"));
    assert_eq!(folder.run_with(&["decrypt", "o.enc"], &[("VELO_ENCRYPTION_KEY", key)], b"").expect(0).out, "{\"id\":1}\n");
    let wrong = folder.run_with(&["decrypt", "o.enc"], &[("VELO_ENCRYPTION_KEY", "MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")], b"").expect(1);
    assert!(wrong.err.contains("the key is wrong"), "{}", wrong.err);
}

#[test]
fn one_writer_at_a_time() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let sql = "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','o.type'='file','o.path'='o.jsonl')";
    let mut first = folder.start(&["--sql", sql]);
    eventually("the first job", || folder.exists("o.jsonl"));
    let second = folder.sql(sql);
    assert!(second.status != 0 && second.err.contains("o.jsonl is being written by another job"), "{}", second.err);
    first.signal(libc::SIGTERM);
    assert_eq!(first.wait(), 0);
    assert_eq!(folder.read("o.jsonl"), "{\"id\":1}\n");
}

#[test]
fn a_row_can_be_read_as_soon_as_its_batch_is_done() {
    let folder = Folder::new();
    folder.write("t.jsonl", "");
    let sql = "SELECT id FROM t INTO o, p WITH ('t.type'='file','t.path'='t.jsonl','t.follow'='true','t.follow.interval'='5ms','t.schema'='id BIGINT',
        'o.type'='file','o.path'='o.jsonl','p.type'='file','p.path'='p','p.format'='csv','p.partition_columns'='day')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the job runs", || folder.exists("o.jsonl"));
    let mut slowest = std::time::Duration::ZERO;
    for id in 0..8 {
        // Not in step with the sync of once a second.
        std::thread::sleep(std::time::Duration::from_millis(90));
        let row = format!("{{\"id\":{id}}}\n");
        let began = std::time::Instant::now();
        std::fs::OpenOptions::new().append(true).open(folder.path().join("t.jsonl")).unwrap().write_all(row.as_bytes()).unwrap();
        eventually("the row", || {
            folder.read("o.jsonl").ends_with(&row) && folder.list("p").iter().any(|file| folder.read(file).ends_with(&format!("\n{id}\n")))
        });
        slowest = slowest.max(began.elapsed());
    }
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(slowest < std::time::Duration::from_millis(400), "a row took {slowest:?}");
}

#[test]
fn headers_are_found_behind_blank_lines_and_whatever_their_case() {
    let folder = Folder::new();
    folder.write("a.csv", "\n\r\nA,b\n1,2\n");
    let rows = |schema: &str| folder.run(&["--quiet", "--sql", &format!("SELECT * FROM a WITH ('a.type'='file','a.path'='a.csv'{schema})")]).expect(0).out;
    assert_eq!(rows(""), "{\"A\":1,\"b\":2}\n");
    assert_eq!(rows(",'a.schema'='a BIGINT, B VARCHAR'"), "{\"a\":1,\"B\":\"2\"}\n");
}

#[test]
fn rows_are_not_appended_below_another_header() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    folder.write("o.csv", "x,y\n1,2\n");
    let sql = "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.csv','o.append'='true')";
    let refused = folder.sql(sql);
    assert!(refused.status != 0 && refused.err.contains("o.csv begins with another header than 'id'"), "{}", refused.err);
    assert_eq!(folder.read("o.csv"), "x,y\n1,2\n");
    folder.write("o.csv", "id\r\n7\r\n");
    folder.sql(sql).expect(0);
    assert_eq!(folder.read("o.csv"), "id\r\n7\r\n1\n");
}
