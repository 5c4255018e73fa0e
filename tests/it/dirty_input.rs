//! Large inputs with bad records of ten kinds: each of them is accounted for, the others pass, and neither memory nor the log grows.

use std::io::Write;
use std::process::Stdio;

use crate::velo::{Folder, Ran, assert_balanced};

const RECORDS: usize = 100_000;
/// One record in so many is bad; they take turns through the kinds.
const BAD: usize = 100;
const KINDS: usize = 10;
/// The record after which one of 50 MB stands, which is bad too.
const LONG_AFTER: usize = RECORDS / 2;

fn bad_kind(number: usize) -> Option<usize> {
    number.is_multiple_of(BAD).then_some(number / BAD % KINDS)
}

fn json(number: usize) -> Vec<u8> {
    let Some(kind) = bad_kind(number) else {
        return format!("{{\"id\":{number},\"name\":\"name {number}\",\"day\":\"2024-01-05\",\"n\":{{\"a\":1}}}}").into_bytes();
    };
    match kind {
        0 => b"{\"id\":1,\"name\":\"cut of".to_vec(),
        1 => b"{\"id\":\"seven\",\"n\":{\"a\":\"x\"}}".to_vec(),
        2 => b"{\"id\":1,\"name\":\"\xff\xfe\"}".to_vec(),
        3 => [b"{\"id\":".repeat(10_000), b"1".to_vec()].concat(),
        4 => b"{\"id\":1,\"id\":2}".to_vec(),
        5 => b"null".to_vec(),
        6 => b"{}".to_vec(),
        7 => b"{\"id\":1,\"n\":{\"a\":1".to_vec(),
        8 => b"{\"id\":99999999999999999999,\"day\":\"2023-02-30\"}".to_vec(),
        _ => b"{\"id\":1,\"name\":\"\\ud800\"}".to_vec(),
    }
}

fn csv(number: usize) -> Vec<u8> {
    let Some(kind) = bad_kind(number) else { return format!("{number},\"name, {number}\",2024-01-05").into_bytes() };
    match kind {
        0 => b"seven,x,2024-01-05".to_vec(),
        1 => b"1,x".to_vec(),
        2 => b"1,x,2024-01-05,more".to_vec(),
        3 => b"1,\xff,2024-01-05".to_vec(),
        4 => b"1,\"x\"y,2024-01-05".to_vec(),
        5 => b"1,x,2024-13-05".to_vec(),
        6 => b",,".to_vec(),
        7 => b"1,\"open,2024-01-05".to_vec(),
        8 => b"99999999999999999999,x,2024-01-05".to_vec(),
        _ => b"1.5,x,2024-01-05".to_vec(),
    }
}

/// A file of records: what stands before, between and after them, and the beginning of the long one.
struct Layout {
    head: &'static str,
    between: &'static str,
    tail: &'static str,
    record: fn(usize) -> Vec<u8>,
    long: &'static str,
}

const LINES: Layout = Layout { head: "", between: "\n", tail: "\n", record: json, long: "{\"id\":1,\"name\":\"" };
const ARRAY: Layout = Layout { head: "[\n", between: ",\n", tail: "\n]\n", record: json, long: "{\"id\":1,\"name\":\"" };
const CSV: Layout = Layout { head: "id,name,day\n", between: "\n", tail: "\n", record: csv, long: "1,\"" };

const JSON_SCHEMA: &str = "id BIGINT NOT NULL, name VARCHAR, day DATE, n STRUCT<a BIGINT>";
const CSV_SCHEMA: &str = "id BIGINT NOT NULL, name VARCHAR, day DATE";

/// Writes the records up to number `end`, and what follows them; returns how many are good and how many bad.
fn write(folder: &Folder, name: &str, layout: &Layout, end: usize, tail: &str) -> (u64, u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(folder.path().join(name)).unwrap());
    out.write_all(layout.head.as_bytes()).unwrap();
    let mut bad = 0;
    for number in 0..end {
        if number > 0 {
            out.write_all(layout.between.as_bytes()).unwrap();
        }
        out.write_all(&(layout.record)(number)).unwrap();
        bad += u64::from(bad_kind(number).is_some());
        if number == LONG_AFTER {
            out.write_all(layout.between.as_bytes()).unwrap();
            out.write_all(layout.long.as_bytes()).unwrap();
            (0..50).for_each(|_| out.write_all(&vec![b'y'; 1 << 20]).unwrap());
            bad += 1;
        }
    }
    out.write_all(tail.as_bytes()).unwrap();
    out.flush().unwrap();
    ((0..end).filter(|number| bad_kind(*number).is_none()).count() as u64, bad)
}

/// Runs, and returns the peak of resident memory in bytes too.
fn run(folder: &Folder, sql: &str) -> (Ran, u64) {
    let (out, err) = (folder.path().join("run.out"), folder.path().join("run.err"));
    let child = folder
        .command(&["--summary", "json", "--sql", sql])
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let mut status = 0;
    // SAFETY: the structure is plain numbers, and the kernel fills it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the process is our child and nobody else waits for it.
    assert!(unsafe { libc::wait4(i32::try_from(child.id()).unwrap(), &mut status, 0, &mut usage) } > 0);
    let read = |path| std::fs::read_to_string(path).unwrap();
    let ran = Ran { status: libc::WEXITSTATUS(status), out: read(out), err: read(err) };
    (ran, u64::try_from(usage.ru_maxrss).unwrap() * 1024)
}

/// Every strategy does what it says: the good records pass and the bad ones are counted, or the first bad one stops the job.
fn check(folder: &Folder, source: &str, first_bad: &str, (good, bad): (u64, u64)) {
    for mode in ["batch", "stream"] {
        let sql = |strategy: &str| {
            format!(
                "SELECT * FROM a INTO o WITH ('a.type'='file',{source},'failure_strategy'='{strategy}','execution.mode'='{mode}','o.type'='file','o.path'='o.jsonl')"
            )
        };
        let (ran, peak) = run(folder, &sql("LogAndContinue"));
        assert_eq!(ran.status, 0, "{}", ran.err);
        let job = ran.job();
        assert_balanced(&job);
        assert_eq!((job["in"].as_u64(), job["out"].as_u64(), job["rejected"].as_u64()), (Some(good + bad), Some(good), Some(bad)), "{mode} {source}");
        let ids: Vec<u64> =
            folder.read("o.jsonl").lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap()).collect();
        assert!(ids.iter().copied().eq((0..).filter(|number| bad_kind(*number as usize).is_none()).take(good as usize)), "the good records, in order");
        assert!(peak < 400_000_000, "{peak} bytes");
        assert!(ran.err.lines().count() < 200, "{} lines", ran.err.lines().count());
        for strategy in ["FailBatch", "RetryWithBackoff"] {
            let (ran, _) = run(folder, &sql(strategy));
            assert_eq!(ran.status, 1);
            assert!(ran.err.contains(first_bad), "the first bad record stops the job: {}", ran.err);
            assert!(ran.err.lines().count() < 200);
        }
    }
}

fn all(folder: &Folder, name: &str, layout: &Layout, schema: &str, first_bad: &str) {
    let counts = write(folder, name, layout, RECORDS, layout.tail);
    check(folder, &format!("'a.path'='{name}','a.schema'='{schema}'"), first_bad, counts);
}

/// The same, cut off within its last record, which is bad.
fn cut_off(folder: &Folder, name: &str, layout: &Layout, schema: &str, last: &str, first_bad: &str) {
    let (good, bad) = write(folder, name, layout, LONG_AFTER, &format!("{}{last}", layout.between));
    check(folder, &format!("'a.path'='{name}','a.schema'='{schema}'"), first_bad, (good, bad + 1));
}

#[test]
fn json_lines() {
    let folder = Folder::new();
    all(&folder, "a.jsonl", &LINES, JSON_SCHEMA, "a.jsonl, line 1: ");
    cut_off(&folder, "b.jsonl", &LINES, JSON_SCHEMA, "{\"id\":1,\"name\":\"cut", "b.jsonl, line 1: ");
}

#[test]
fn json_document() {
    let folder = Folder::new();
    all(&folder, "a.json", &LINES, JSON_SCHEMA, "a.json, line 1: ");
    cut_off(&folder, "b.json", &LINES, JSON_SCHEMA, "{\"id\":1,\"n\":{\"a\":", "b.json, line 1: ");
}

#[test]
fn json_array() {
    let folder = Folder::new();
    all(&folder, "a.json", &ARRAY, JSON_SCHEMA, "a.json, line 2: ");
    cut_off(&folder, "b.json", &ARRAY, JSON_SCHEMA, "{\"id\":1,\"n\":{\"a\":", "b.json, line 2: ");
    // Cut off between two records, too.
    let (good, bad) = write(&folder, "c.json", &ARRAY, 1000, ",\n");
    check(&folder, &format!("'a.path'='c.json','a.schema'='{JSON_SCHEMA}'"), "c.json, line 2: ", (good, bad + 1));
}

#[test]
fn csv_records() {
    let folder = Folder::new();
    all(&folder, "a.csv", &CSV, CSV_SCHEMA, "a.csv, line 2: ");
    cut_off(&folder, "b.csv", &CSV, CSV_SCHEMA, "1,\"cut", "b.csv, line 2: ");
}

/// Rows that Parquet and Avro hold, but not the columns that are declared.
#[test]
fn columnar_rows_that_do_not_fit() {
    let folder = Folder::new();
    let mut lines = String::new();
    let (mut good, mut bad) = (0, 0);
    for number in 0..RECORDS {
        let kind = bad_kind(number);
        *if kind.is_some() { &mut bad } else { &mut good } += 1;
        let pick = |kinds: &[usize], odd: &str, usual: String| if kind.is_some_and(|kind| kinds.contains(&kind)) { odd.to_owned() } else { usual };
        lines.push_str(&format!(
            "{{\"id\":{},\"name\":{},\"d\":{},\"f\":{},\"at\":{},\"l\":{},\"s\":{{\"a\":{}}}}}\n",
            pick(&[0], "null", pick(&[1], "5000000000", number.to_string())),
            // Base64: bytes that are no UTF-8.
            pick(&[2], "\"//8=\"", "\"bmFtZQ==\"".to_owned()),
            pick(&[3], "123456.5", pick(&[4], "0.001", "1.25".to_owned())),
            pick(&[5], "1.5", pick(&[6], "\"NaN\"", number.to_string())),
            pick(&[7], "\"2024-01-05T00:00:00.0001Z\"", "\"2024-01-05T00:00:00Z\"".to_owned()),
            pick(&[8], "[1,300]", "[1,2]".to_owned()),
            pick(&[9], "70000", "7".to_owned()),
        ));
    }
    folder.write("in.jsonl", lines);
    let wide = "id BIGINT, name BYTEA, d DECIMAL(12,3), f DOUBLE, at TIMESTAMP, l ARRAY<BIGINT>, s STRUCT<a BIGINT>";
    let narrow = "id INT NOT NULL, name VARCHAR, d DECIMAL(5,2), f BIGINT, at TIMESTAMP(3), l ARRAY<TINYINT>, s STRUCT<a SMALLINT>";
    for format in ["parquet", "avro"] {
        folder
            .sql(&format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='in.jsonl','a.schema'='{wide}','o.type'='file','o.path'='a.{format}')"))
            .expect(0);
        check(&folder, &format!("'a.path'='a.{format}','a.schema'='{narrow}'"), &format!("a.{format}, row 1: "), (good, bad));
    }
}

#[test]
fn broken_columnar_files_are_errors_not_panics() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..1000).map(|id| format!("{{\"id\":{id},\"t\":\"{id}\"}}\n")).collect::<String>());
    for format in ["parquet", "avro"] {
        folder.sql(&format!("SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.{format}')")).expect(0);
        let whole = std::fs::read(folder.path().join(format!("o.{format}"))).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 3] ^= 0xff;
        for (number, bytes) in [&whole[..whole.len() - 3], &whole[..whole.len() / 2], &whole[..4], b"", b"PAR1PAR1PAR1", &flipped].into_iter().enumerate() {
            let name = format!("b{number}.{format}");
            folder.write(&name, bytes);
            let ran = folder.sql(&format!("SELECT count(*) AS n, count(t) AS m FROM b WITH ('b.type'='file','b.path'='{name}','b.max_retries'='0')"));
            assert!(!ran.err.contains("panicked"), "{name}: {}", ran.err);
            if number < 5 {
                assert!(matches!(ran.status, 1 | 2) && ran.err.contains(&name), "{name}: {} {}", ran.status, ran.err);
            }
        }
    }
}
