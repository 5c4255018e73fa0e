//! Large inputs with bad records of many kinds: each of them is accounted for, the others pass, and neither memory nor the log grows.

use std::io::Write;
use std::process::Stdio;

use crate::velo::{Folder, assert_balanced};

const RECORDS: usize = 100_000;

/// A record that is good, or bad in one of several ways.
fn json(number: usize) -> (Vec<u8>, bool) {
    let good = |number: usize| format!("{{\"id\":{number},\"name\":\"name {number}\",\"day\":\"2024-01-05\",\"n\":{{\"a\":1}}}}").into_bytes();
    if !number.is_multiple_of(100) {
        return (good(number), true);
    }
    let bad = match number / 100 % 12 {
        0 => b"{\"id\":1,\"name\":\"cut of".to_vec(),
        1 => b"{\"id\":\"seven\"}".to_vec(),
        2 => b"{\"id\":1,\"name\":\"\xff\xfe\"}".to_vec(),
        3 => [b"{\"id\":".repeat(10_000), b"1".to_vec()].concat(),
        4 => b"{\"id\":1,\"id\":2}".to_vec(),
        5 => b"null".to_vec(),
        6 => b"[1,2]".to_vec(),
        7 => b"{\"id\":99999999999999999999}".to_vec(),
        8 => b"{\"id\":1,\"day\":\"2023-02-30\"}".to_vec(),
        9 => b"{\"id\":1,\"name\":\"\\ud800\"}".to_vec(),
        10 => b"{\"id\":1,\"n\":{\"a\":\"x\"}}".to_vec(),
        _ => b"{\"id\":1} {\"id\":2}".to_vec(),
    };
    (bad, false)
}

fn csv(number: usize) -> (Vec<u8>, bool) {
    if !number.is_multiple_of(100) {
        return (format!("{number},\"name, {number}\",2024-01-05").into_bytes(), true);
    }
    let bad = match number / 100 % 7 {
        0 => b"seven,x,2024-01-05".to_vec(),
        1 => b"1,x".to_vec(),
        2 => b"1,x,2024-01-05,more".to_vec(),
        3 => b"1,\xff,2024-01-05".to_vec(),
        4 => b"1,\"x\"y,2024-01-05".to_vec(),
        5 => b"1,x,2024-13-05".to_vec(),
        _ => b"1.5,x,2024-01-05".to_vec(),
    };
    (bad, false)
}

/// Writes the records, one of them 50 MB long; returns how many are good and how many bad.
fn write(folder: &Folder, name: &str, head: &str, record: fn(usize) -> (Vec<u8>, bool), long: &[u8]) -> (u64, u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(folder.path().join(name)).unwrap());
    out.write_all(head.as_bytes()).unwrap();
    let (mut good, mut bad) = (0, 1);
    for number in 0..RECORDS {
        let (bytes, is_good) = record(number);
        out.write_all(&bytes).unwrap();
        out.write_all(b"\n").unwrap();
        *if is_good { &mut good } else { &mut bad } += 1;
        if number == RECORDS / 2 {
            out.write_all(long).unwrap();
            for _ in 0..50 {
                out.write_all(&vec![b'y'; 1 << 20]).unwrap();
            }
            out.write_all(b"\n").unwrap();
        }
    }
    (good, bad)
}

/// Runs, and returns the peak of resident memory in bytes too.
fn run(folder: &Folder, sql: &str) -> (crate::velo::Ran, u64) {
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
    let ran = crate::velo::Ran { status: libc::WEXITSTATUS(status), out: read(out), err: read(err) };
    (ran, u64::try_from(usage.ru_maxrss).unwrap() * 1024)
}

fn check(folder: &Folder, source: &str, (good, bad): (u64, u64)) {
    for mode in ["batch", "stream"] {
        let sql = |strategy: &str| {
            format!("SELECT * FROM a INTO o WITH ({source},'failure_strategy'='{strategy}','execution.mode'='{mode}','o.type'='file','o.path'='o.jsonl')")
        };
        let (ran, peak) = run(folder, &sql("LogAndContinue"));
        assert_eq!(ran.status, 0, "{}", ran.err);
        let job = ran.job();
        assert_balanced(&job);
        assert_eq!((job["out"].as_u64(), job["rejected"].as_u64()), (Some(good), Some(bad)), "{mode} {source}");
        assert_eq!(folder.read("o.jsonl").lines().count() as u64, good);
        assert!(peak < 400_000_000, "{peak} bytes");
        assert!(ran.err.lines().count() < 200, "{} lines", ran.err.lines().count());
        for strategy in ["FailBatch", "RetryWithBackoff"] {
            let (ran, _) = run(folder, &sql(strategy));
            assert_eq!(ran.status, 1);
            assert!(ran.err.contains("line 1: ") || ran.err.contains("line 2: "), "the first bad record stops the job: {}", ran.err);
        }
    }
}

#[test]
fn json_lines() {
    let folder = Folder::new();
    let counts = write(&folder, "a.jsonl", "", json, b"{\"id\":1,\"name\":\"");
    check(&folder, "'a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, name VARCHAR, day DATE, n STRUCT<a BIGINT>'", counts);
}

#[test]
fn json_document() {
    // In a document a record that is cut off takes the next ones with it, so those kinds are left out.
    fn record(number: usize) -> (Vec<u8>, bool) {
        let (bytes, good) = json(number);
        if !good && matches!(number / 100 % 12, 0 | 3 | 11) {
            (b"{\"id\":{}}".to_vec(), false)
        } else if !good && number / 100 % 12 == 6 {
            (b"\"text\"".to_vec(), false)
        } else {
            (bytes, good)
        }
    }
    let folder = Folder::new();
    let counts = write(&folder, "a.json", "", record, b"");
    check(&folder, "'a.type'='file','a.path'='a.json','a.schema'='id BIGINT, name VARCHAR, day DATE, n STRUCT<a BIGINT>'", counts);
}

#[test]
fn csv_records() {
    let folder = Folder::new();
    let counts = write(&folder, "a.csv", "id,name,day\n", csv, b"1,");
    check(&folder, "'a.type'='file','a.path'='a.csv','a.schema'='id BIGINT, name VARCHAR, day DATE'", counts);
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
