//! Limits of memory: what a job keeps is bounded by them, what can't be bounded fails it.
//! - `joins`: tables, and joins with many partners
//! - `operators`: single rows and operators that need much

mod joins;
mod operators;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::pipes::megabytes_taken_without_a_reader;
use crate::velo::Folder;

/// The peak of a process's resident memory so far, in MB.
fn peak(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim_end_matches("kB").trim().parse::<usize>().ok().map(|kilobytes| kilobytes / 1000)
}

/// What a run did.
struct Ran {
    ok: bool,
    lines: usize,
    err: String,
    /// The highest resident memory, in MB; the program itself takes some 80 MB of an unoptimised build.
    peak: usize,
}

/// Runs a statement; counts the lines that it writes without keeping them.
fn ran(folder: &Folder, sql: &str) -> Ran {
    let mut child = folder.command(&["--quiet", "--sql", sql]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (process, ended) = (child.id(), Arc::new(AtomicBool::new(false)));
    let end = Arc::clone(&ended);
    let watch = std::thread::spawn(move || {
        let mut highest = 0;
        while !end.load(Ordering::Relaxed) {
            highest = peak(process).unwrap_or(highest);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        highest
    });
    let mut errors = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        text
    });
    let mut lines = 0;
    let (mut out, mut buffer) = (child.stdout.take().unwrap(), vec![0; 1 << 16]);
    loop {
        match out.read(&mut buffer).unwrap() {
            0 => break,
            count => lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
    ended.store(true, Ordering::Relaxed);
    let highest = watch.join().unwrap();
    let ok = child.wait().unwrap().success();
    Ran { ok, lines, err: errors.join().unwrap(), peak: highest }
}

/// Whether a run was refused memory, and said what to do.
fn refused(ran: &Ran, limit: &str) -> bool {
    !ran.ok && ran.err.contains("Job memory usage") && ran.err.contains(&format!("exceeds limit of {limit}")) && ran.err.contains("raise 'memory.limit'")
}

const LARGE: &str = "'t.type'='file','t.path'='-','t.format'='jsonlines','t.schema'='id BIGINT, text TEXT','memory.limit'='64MB'";

/// Megabytes that go through a job of 64 MB; `VELO_MEMORY_TEST_MB` for more.
fn megabytes() -> usize {
    std::env::var("VELO_MEMORY_TEST_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

#[test]
fn a_job_keeps_to_its_memory_however_much_goes_through() {
    let folder = Folder::new();
    folder.write("c.csv", (0..1000).map(|id| format!("{id},n{id}\n")).fold("id,name\n".to_owned(), |text, line| text + &line));
    let join = "SELECT t.id, c.name FROM t JOIN c ON t.id % 1000 = c.id";
    let table = "'c.type'='file','c.path'='c.csv','batch.strategy'='fixed_size','batch.size'='100000','batch.timeout'='1s'";
    for (sql, more, mode) in [(join, table, "stream"), ("SELECT count(*) AS n, max(length(text)) AS m FROM t", "'t.until'='latest'", "batch")] {
        let sql = format!("{sql} WITH ({LARGE},{more},'execution.mode'='{mode}')");
        let mut child = folder.command(&["--quiet", "--sql", &sql]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let count = megabytes() * 100;
        let writer = std::thread::spawn(move || {
            let text = "x".repeat(10_000);
            (0..count).try_for_each(|id| input.write_all(format!("{{\"id\":{id},\"text\":\"{text}\"}}\n").as_bytes())).is_ok()
        });
        let (process, ended) = (child.id(), Arc::new(AtomicBool::new(false)));
        let end = Arc::clone(&ended);
        let watch = std::thread::spawn(move || {
            let mut highest = 0;
            while !end.load(Ordering::Relaxed) {
                highest = peak(process).unwrap_or(highest);
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            highest
        });
        let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
        ended.store(true, Ordering::Relaxed);
        let highest = watch.join().unwrap();
        assert!(writer.join().unwrap() && child.wait().unwrap().success(), "{mode}");
        if mode == "batch" {
            assert_eq!(lines, [format!("{{\"n\":{count},\"m\":10000}}")]);
        } else {
            assert_eq!(lines.len(), count);
        }
        // The program itself takes some 80 MB of an unoptimised build.
        assert!(highest > 0 && highest < 200, "{mode}: {highest} MB");
    }
}

#[test]
fn a_table_that_does_not_fit_fails_the_job() {
    let folder = Folder::new();
    folder.write("s.jsonl", "{\"id\":1}\n");
    let text = "y".repeat(1000);
    folder.write("t.jsonl", (0..30_000).map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n")).collect::<String>());
    let sql = |more: &str| {
        format!(
            "SELECT s.id, length(t.text) AS n FROM s JOIN t ON s.id = t.id WITH ('s.type'='file','s.path'='s.jsonl','s.follow'='false','t.type'='file','t.path'='t.jsonl','execution.mode'='stream'{more})"
        )
    };
    let fits = folder.run(&["--sql", &sql(",'memory.limit'='200MB','memory.recommended_limit'='20MB'")]).expect(0);
    assert_eq!(fits.out, "{\"id\":1,\"n\":1000}\n");
    let warnings: Vec<&str> = fits.err.lines().filter(|line| line.contains("exceeds recommended limit of 20MB")).collect();
    assert!(warnings.iter().any(|line| line.starts_with("Warning: Job memory usage 2")), "{}", fits.err);
    assert!(!folder.run(&["--sql", &sql("")]).expect(0).err.contains("memory usage"));
    let failed = folder.run(&["--sql", &sql(",'memory.limit'='30MB'")]).expect(1);
    assert!(
        failed.err.contains("Job memory usage") && failed.err.contains("exceeds limit of 30MB") && failed.err.contains("raise 'memory.limit'"),
        "{}",
        failed.err
    );
    folder.write("app.yaml", "VELO_MAX_MEMORY_MB: 30\n");
    let of_environment = folder.run_with(&["--sql", &sql("")], &[("VELO_MAX_MEMORY_MB", "30")], b"").expect(1);
    let of_file = folder.run(&["--config", "app.yaml", "--sql", &sql("")]).expect(1);
    for all in [of_environment, of_file] {
        assert!(
            all.err.contains("Memory usage of all jobs") && all.err.contains("exceeds limit of 30MB") && all.err.contains("raise VELO_MAX_MEMORY_MB"),
            "{}",
            all.err
        );
    }
}

#[test]
fn a_sort_that_does_not_fit_goes_to_disk() {
    let folder = Folder::new();
    let text = "y".repeat(100);
    folder.write("t.jsonl", (0..400_000).map(|id| format!("{{\"id\":{},\"text\":\"{text}\"}}\n", (id * 7919_u64) % 400_000)).collect::<String>());
    let sql = "SELECT id, text FROM t ORDER BY id WITH ('t.type'='file','t.path'='t.jsonl','memory.limit'='64MB','execution.mode'='batch')";
    let ran = folder.run(&["--quiet", "--sql", sql]).expect(0);
    assert!(ran.out.lines().enumerate().all(|(at, line)| line.starts_with(&format!("{{\"id\":{at},"))), "in order");
    assert_eq!(ran.out.lines().count(), 400_000);
}

#[test]
fn a_sink_that_does_not_drain_holds_back_the_source_within_the_limit() {
    let folder = Folder::new();
    let sql = format!("SELECT id, text FROM t WITH ({LARGE})");
    let megabytes = megabytes_taken_without_a_reader(&folder, &sql, 20_000, 10_000);
    assert!(megabytes < 64, "{megabytes} MB of rows wait");
}
