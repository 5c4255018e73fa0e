//! File sinks when something goes wrong: what is replaced, what is lost, what stays, and what is refused.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::velo::{Folder, Ran, Started, eventually};

/// Rows that don't compress well: numbers from a linear congruential generator.
fn noise(from: u64, count: u64) -> String {
    let mut state = from.wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state
    };
    (from..from + count).map(|id| format!("{{\"id\":{id},\"pad\":\"{:016x}{:016x}{:016x}\"}}\n", next(), next(), next())).collect()
}

/// No file of the process may grow beyond this; a write beyond it is an error instead of a signal.
fn limit_files(command: &mut Command, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls are allowed between fork and exec, and change the child alone.
    unsafe {
        command.pre_exec(move || if libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) });
    }
}

fn run_limited(folder: &Folder, sql: &str, bytes: u64) -> Ran {
    let mut command = folder.command(&["--summary", "json", "--sql", sql]);
    limit_files(&mut command, bytes);
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn count(folder: &Folder, path: &str) -> String {
    folder.run(&["--quiet", "--sql", &format!("SELECT count(*) AS n, count(DISTINCT id) AS d FROM t WITH ('t.type'='file','t.path'='{path}')")]).expect(0).out
}

fn visible(folder: &Folder, name: &str) -> Vec<String> {
    folder.list(name).into_iter().filter(|path| !path.contains("/.") && !path.starts_with('.')).collect()
}

#[test]
fn a_batch_that_fails_leaves_what_was_there() {
    let folder = Folder::new();
    folder.write("good.jsonl", noise(0, 20_000));
    folder.write("bad.jsonl", noise(0, 60_000) + "{\"id\":\"x\"}\n");
    for (name, settings) in [
        ("n", "'o.path'='n/o.parquet','o.roll.size'='200KB'"),
        ("m", "'o.path'='m/o.jsonl.gz','o.roll.size'='200KB','o.max_files'='2'"),
        ("p", "'o.path'='p','o.format'='parquet','o.partition_columns'='k'"),
        ("s", "'o.path'='s/o.avro'"),
    ] {
        let sql = |input: &str| {
            format!(
                "SELECT id, pad, id % 3 AS k FROM a INTO o WITH ('a.type'='file','a.path'='{input}.jsonl','a.schema'='id BIGINT, pad VARCHAR','o.type'='file',{settings})"
            )
        };
        folder.sql(&sql("good")).expect(0);
        let content = || visible(&folder, name).into_iter().map(|path| (std::fs::read(folder.path().join(&path)).unwrap(), path)).collect::<Vec<_>>();
        let before = content();
        assert!(!before.is_empty());
        folder.sql(&sql("bad")).expect(1);
        assert!(content() == before, "{name}: {:?}", folder.list(name));
        assert_eq!(folder.list(name).len(), before.len(), "{name}: {:?}", folder.list(name));
    }
}

#[test]
fn appending_to_a_compressed_file_survives_sudden_death() {
    let folder = Folder::new();
    for (name, rounds) in [("z.jsonl.gz", 14u64), ("z.jsonl.zst", 6)] {
        let mut safe: Vec<u64> = Vec::new();
        for round in 0..rounds {
            folder.write("a.jsonl", noise(round * 100_000, 20_000));
            let sql = format!(
                "SELECT id, pad FROM a INTO z WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, pad VARCHAR','z.type'='file','z.path'='{name}','z.append'='true')"
            );
            let mut job = folder.start(&["--quiet", "--sql", &sql]);
            if round % 3 > 0 && round + 1 < rounds {
                std::thread::sleep(Duration::from_millis(40 + round * 37 % 400));
                job.signal(libc::SIGKILL);
            }
            let status = job.wait();
            if !folder.exists(name) {
                assert!(status != 0);
                continue;
            }
            let ran = folder.run(&["--quiet", "--sql", &format!("SELECT id FROM t WITH ('t.type'='file','t.path'='{name}')")]).expect(0);
            let ids: Vec<u64> = ran.out.lines().map(|line| line[6..line.len() - 1].parse().unwrap()).collect();
            let this: Vec<u64> = (round * 100_000..round * 100_000 + 20_000).collect();
            // What an earlier run has completed is there, and of this one everything or nothing.
            assert!(ids[..safe.len()] == safe[..], "{name}, round {round}");
            assert!(ids[safe.len()..] == this[..] || ids.len() == safe.len() && status != 0, "{name}, round {round}: {} rows", ids.len());
            safe = ids;
        }
        assert!(safe.len() >= 40_000, "some runs came to their end");
    }
    assert_eq!(folder.list(""), ["a.jsonl", "stderr.log", "stdout.log", "z.jsonl.gz", "z.jsonl.zst"], "the last runs remove what the killed ones have left");
}

#[test]
fn rows_that_do_not_fit_on_the_disk_are_counted_as_lost() {
    let folder = Folder::new();
    folder.write("a.jsonl", noise(0, 20_000));
    for name in ["o.jsonl.gz", "o.avro", "o.parquet"] {
        for strategy in ["LogAndContinue", "RetryWithBackoff"] {
            let ran = run_limited(
                &folder,
                &format!(
                    "SELECT id, pad FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{name}','o.failure_strategy'='{strategy}')"
                ),
                100_000,
            )
            .expect(1);
            let sink = ran.job()["sinks"][0].clone();
            // A job that stops may not have read everything.
            let out = if strategy == "LogAndContinue" { Some(20_000) } else { ran.job()["out"].as_u64() };
            assert!(out >= Some(8_000), "{}", ran.err);
            assert_eq!((sink["rows"].as_u64(), sink["lost"].as_u64()), (Some(0), out), "{name} {strategy}: {}", ran.err);
            assert!(ran.err.contains(&format!("{name}: File too large")) && !ran.err.contains("os error") && !ran.err.contains("External"), "{}", ran.err);
            assert_eq!(ran.err.matches("File too large").count(), ran.err.matches(&format!("{name}: File too large")).count(), "{}", ran.err);
            assert_eq!(folder.list(""), ["a.jsonl"], "{name} {strategy}");
        }
    }
}

#[test]
fn rows_that_stand_in_place_are_not_called_lost() {
    let folder = Folder::new();
    folder.write("a.jsonl", noise(0, 60_000));
    for (strategy, mode) in [("RetryWithBackoff", "stream"), ("FailBatch", "stream"), ("LogAndContinue", "stream"), ("RetryWithBackoff", "batch")] {
        let sql = format!(
            "SELECT id, pad FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.jsonl','failure_strategy'='{strategy}','execution.mode'='{mode}','max_retries'='0')"
        );
        let ran = run_limited(&folder, &sql, 2_000_000).expect(1);
        let sink = ran.job()["sinks"][0].clone();
        let (rows, lost) = (sink["rows"].as_u64().unwrap(), sink["lost"].as_u64().unwrap());
        let lines = folder.read("o.jsonl").lines().count() as u64;
        assert!(rows == lines && lines > 0, "{strategy} {mode}: {lines} lines, {}", ran.err);
        assert_eq!(Some(rows + lost), ran.job()["out"].as_u64(), "{strategy} {mode}: {}", ran.err);
    }
}

#[test]
fn a_sink_goes_on_when_there_is_space_again() {
    let folder = Folder::new();
    folder.write("a.jsonl", "");
    let sql = "SELECT id, pad FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='10ms','a.schema'='id BIGINT, pad VARCHAR',
        'o.type'='file','o.path'='out/o.jsonl.gz','o.roll.interval'='100ms','o.failure_strategy'='LogAndContinue')";
    let mut command = folder.command(&["--summary", "json", "--sql", sql]);
    limit_files(&mut command, 20_000);
    let log = folder.path().join("stderr.log");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut job = Started::of(child, log);
    let append = |text: String| {
        let mut input = std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap();
        std::io::Write::write_all(&mut input, text.as_bytes()).unwrap();
    };
    append(noise(0, 10));
    eventually("the first file", || !visible(&folder, "out").is_empty());
    append(noise(10, 5_000));
    eventually("a loss", || job.log().contains("rows not written"));
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the process is our child; the old limit is not asked for.
    assert_eq!(unsafe { libc::prlimit(i32::try_from(job.child.id()).unwrap(), libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut()) }, 0);
    let before = visible(&folder, "out").len();
    append(noise(5_010, 300));
    eventually("a file with later rows", || visible(&folder, "out").len() > before);
    job.signal(libc::SIGTERM);
    job.wait();
    let summary: serde_json::Value = serde_json::from_str(job.log().lines().rev().find(|line| line.starts_with('{')).unwrap()).unwrap();
    let sink = &summary["jobs"][0]["sinks"][0];
    let (written, lost) = (sink["rows"].as_u64().unwrap(), sink["lost"].as_u64().unwrap());
    assert!(lost > 0 && written >= 310 && written + lost == 5_310, "{sink}");
    assert_eq!(count(&folder, "out"), format!("{{\"n\":{written},\"d\":{written}}}\n"));
}

#[test]
fn a_retried_batch_is_written_once() {
    let folder = Folder::new();
    let lines: String = (0..9).map(|id| format!("{{\"id\":{id},\"d\":\"d{}\"}}\n", id % 3)).collect();
    folder.write("a.jsonl", lines);
    for format in ["parquet", "avro", "json"] {
        folder.write(&format!("{format}/d=d2"), "in the way");
        let sql = format!(
            "SELECT id, d FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{format}','o.format'='{format}','o.partition_columns'='d','max_retries'='8','retry_backoff'='50ms')"
        );
        let mut job = folder.start(&["--sql", &sql]);
        eventually("two tries", || job.log().contains("try 2 of 8"));
        std::fs::remove_file(folder.path().join(format).join("d=d2")).unwrap();
        assert_eq!(job.wait(), 0, "{}", job.log());
        assert_eq!(visible(&folder, format).len(), 3);
        assert_eq!(count(&folder, &format!("{format}/*/*")), "{\"n\":9,\"d\":9}\n", "{format}");
    }
}

#[test]
fn a_folder_that_is_removed_during_a_stream_fails_the_job() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let sql =
        "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='10ms','o.type'='file','o.path'='out/o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the first row", || folder.exists("out/o.jsonl") && folder.read("out/o.jsonl").contains('1'));
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(folder.path().join("a.jsonl"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"{\"id\":2}\n"))
        .unwrap();
    assert_eq!(job.wait(), 1);
    assert!(job.log().contains("out/o.jsonl was removed"), "{}", job.log());
}

#[test]
fn two_jobs_do_not_write_one_output() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"d\":1}\n");
    for settings in [
        "'o.path'='out/o.parquet','o.roll.interval'='50ms','o.append'='true'",
        "'o.path'='out/o.jsonl','o.roll.size'='1KB'",
        "'o.path'='out/o.jsonl.gz'",
        "'o.path'='out','o.format'='json','o.partition_columns'='d'",
    ] {
        let sql = |follow: bool| {
            format!(
                "SELECT id, d FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='{follow}','a.follow.interval'='10ms','o.type'='file',{settings})"
            )
        };
        let mut first = folder.start(&["--sql", &sql(true)]);
        eventually("the first job", || first.log().contains("sink sink_0_o created"));
        let second = folder.sql(&sql(false));
        assert!(second.status != 0 && second.err.contains("is being written by another job"), "{settings}: {}", second.err);
        first.signal(libc::SIGTERM);
        assert_eq!(first.wait(), 0, "{}", first.log());
        folder.sql(&sql(false)).expect(0);
        assert_eq!(folder.list("out"), visible(&folder, "out"), "{settings}");
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[test]
fn paths_that_cannot_be_written_are_refused_before_anything_starts() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"d\":1}\n");
    folder.write("dir/keep", "x");
    assert!(Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
    for (settings, message) in [
        ("'o.path'='fifo','o.format'='parquet'", "fifo is a pipe or a device"),
        ("'o.path'='fifo','o.compression'='gzip'", "fifo is a pipe or a device"),
        ("'o.path'='/dev/null','o.format'='avro'", "/dev/null is a pipe or a device"),
        ("'o.path'='dir','o.format'='parquet'", "dir is a folder"),
        ("'o.path'='dir','o.format'='json'", "dir is a folder"),
        ("'o.path'='a.jsonl','o.partition_columns'='d'", "is no folder"),
        ("'o.path'='o.jsonl.bz2'", "bzip2 can only be read"),
        ("'o.path'='o.csv.BZ2'", "bzip2 can only be read"),
    ] {
        let ran = folder.sql(&format!("SELECT id, d FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file',{settings})")).expect(2);
        assert!(ran.err.contains(message), "{settings}: {}", ran.err);
    }
    assert_eq!(folder.list(""), ["a.jsonl", "dir/keep", "fifo"]);
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&std::fs::metadata(folder.path().join("fifo")).unwrap().file_type()));
}

#[test]
fn suffixes_in_capitals_and_long_names_are_fine() {
    let folder = Folder::new();
    folder.write("a.jsonl", noise(0, 10));
    let long = format!("{}.parquet", "x".repeat(232));
    for path in ["O.JSONL.GZ", "o.csv.Zst", &long] {
        folder.sql(&format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{path}')")).expect(0);
        assert_eq!(count(&folder, path), "{\"n\":10,\"d\":10}\n", "{path}");
    }
    assert_eq!(std::fs::read(folder.path().join("O.JSONL.GZ")).unwrap()[..2], [0x1f, 0x8b]);
}

#[test]
fn few_rows_on_a_full_standard_output_fail_the_job() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    for format in ["json", "csv", "table"] {
        for mode in ["batch", "stream"] {
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let sql = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl')";
            let ran = folder.command(&["--format", format, "--set", &format!("execution.mode={mode}"), "--sql", sql]).stdout(full).output().unwrap();
            let err = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.code() == Some(1) && err.contains("standard output: No space left on device"), "{format} {mode}: {err}");
        }
    }
}

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const WRONG_KEY: &str = "MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn encrypted() -> Folder {
    let folder = Folder::new();
    folder.write("a.jsonl", noise(0, 5_000));
    let sql = "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.enc','o.format'='json','o.encryption'='AES256')";
    folder.run_with(&["--sql", sql], &[("VELO_ENCRYPTION_KEY", KEY)], b"").expect(0);
    folder
}

#[test]
fn a_decrypted_file_is_whole_or_not_there() {
    let folder = encrypted();
    let decrypt = |input: &str, output: &str, key: &str| folder.run_with(&["decrypt", input, "-o", output], &[("VELO_ENCRYPTION_KEY", key)], b"");
    let whole = std::fs::read(folder.path().join("o.enc")).unwrap();
    folder.write("cut.enc", &whole[..whole.len() - 5]);
    folder.write("plain", "kept");
    let wrong = decrypt("o.enc", "plain", WRONG_KEY).expect(1);
    assert!(wrong.err.contains("o.enc: the key is wrong"), "{}", wrong.err);
    decrypt("cut.enc", "plain", KEY).expect(1);
    decrypt("cut.enc", "new", KEY).expect(1);
    assert_eq!(folder.read("plain"), "kept");
    decrypt("o.enc", "plain", KEY).expect(0);
    decrypt("o.enc", "o.enc", KEY).expect(0);
    assert!(folder.read("plain") == noise(0, 5_000) && folder.read("o.enc") == noise(0, 5_000));
    assert_eq!(folder.list(""), ["a.jsonl", "cut.enc", "o.enc", "plain"]);
}

#[test]
fn decrypting_to_an_output_that_takes_no_more() {
    let folder = encrypted();
    let shell = |command: &str| {
        let script = format!("set -o pipefail; {} {command}", crate::velo::binary().display());
        let ran = Command::new("bash").arg("-c").arg(script).current_dir(folder.path()).env("VELO_ENCRYPTION_KEY", KEY).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    assert_eq!(shell("decrypt o.enc | head -n 1 > /dev/null"), (Some(0), String::new()));
    for command in ["decrypt o.enc > /dev/full", "decrypt o.enc -o /dev/full"] {
        let (status, err) = shell(command);
        assert_eq!(status, Some(1));
        assert!(err.contains("No space left on device") && !err.contains("o.enc"), "{err}");
    }
}
