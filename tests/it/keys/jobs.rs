//! Keys of jobs and of application files.

use std::time::Duration;

use crate::velo::{Folder, eventually, eventually_or};

/// Rows of each batch of a run over rows that are there at once.
fn batches(rows: usize, settings: &str) -> Vec<usize> {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..rows).map(|id| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "x".repeat(100))).collect::<String>());
    folder.sql(&format!("SELECT id, pad FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o/{{batch_id}}.jsonl','execution.mode'='stream'{settings})")).expect(0);
    let mut files: Vec<(usize, usize)> = folder
        .list("o")
        .iter()
        .map(|file| (file.trim_start_matches("o/").trim_end_matches(".jsonl").parse().unwrap(), folder.read(file).lines().count()))
        .collect();
    files.sort_unstable();
    files.into_iter().map(|(_, rows)| rows).collect()
}

#[test]
fn a_statement_is_run_as_it_says() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":2}\n{\"id\":1}\n");
    let run = |mode: &str| folder.run(&["--format", "json", "--sql", &format!("SELECT id FROM a ORDER BY id WITH ('a.type'='file','a.path'='a.jsonl'{mode})")]);
    assert_eq!(run("").expect(0).out, "{\"id\":1}\n{\"id\":2}\n");
    assert_eq!(run(",'execution.mode'='batch'").expect(0).out, "{\"id\":1}\n{\"id\":2}\n");
    assert!(run(",'execution.mode'='stream'").expect(2).err.contains("ORDER BY"));
}

#[test]
fn megabytes_limit_a_batch() {
    // Three million bytes and some.
    let rows = 30_000;
    let strategy = ",'batch.strategy'='memory_based'";
    assert_eq!(batches(rows, strategy).len(), 1);
    let limited = batches(rows, &format!("{strategy},'batch.memory_limit_mb'='1'"));
    assert!((3..=6).contains(&limited.len()), "{limited:?}");
}

#[test]
fn batches_grow_towards_their_target() {
    let adaptive = |target: &str| {
        batches(2_000, &format!(",'batch.strategy'='adaptive_size','batch.min_size'='10','batch.adaptive_max_size'='400','batch.target_latency'='{target}'"))
    };
    assert!(adaptive("100s").contains(&400));
    assert!(adaptive("1ns").iter().all(|rows| *rows == 10), "no batch is that fast");
}

/// Whether a row that comes alone is written within a second and a half.
fn appears(settings: &str) -> bool {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let sql = format!(
        "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='10ms','o.type'='file','o.path'='o.jsonl'{settings})"
    );
    let _job = folder.start(&["--sql", &sql]);
    eventually("the job runs", || folder.exists("o.jsonl"));
    std::thread::sleep(Duration::from_millis(1_500));
    !folder.read("o.jsonl").is_empty()
}

#[test]
fn batches_wait_for_rows_as_long_as_they_say() {
    assert!(!appears(",'batch.size'='1000','batch.timeout'='1h'") && appears(",'batch.size'='1000','batch.timeout'='50ms'"));
    assert!(
        !appears(",'batch.strategy'='low_latency','batch.low_latency_wait'='1h'") && appears(",'batch.strategy'='low_latency','batch.low_latency_wait'='5ms'")
    );
}

#[test]
fn eager_batches_do_not_wait() {
    assert!(appears(",'batch.size'='1000','batch.timeout'='1h','batch.eager_processing'='true'"));
    assert!(!appears(",'batch.size'='1000','batch.timeout'='1h','batch.eager_processing'='false'"));
}

#[test]
fn reading_pauses_when_the_buffer_is_full() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..400_000).map(|id| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "x".repeat(100))).collect::<String>());
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap();
    assert!(made.success());
    // Somebody has the pipe open and takes nothing.
    let _reader = std::fs::OpenOptions::new().read(true).write(true).open(folder.path().join("fifo")).unwrap();
    let read = |settings: &str| {
        let sql = format!(
            "SELECT id, pad FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, pad VARCHAR','execution.mode'='stream','o.type'='file','o.path'='fifo','o.format'='json'{settings})"
        );
        let job = folder.start(&["--sql", &sql]);
        eventually_or("the job runs", || job.log().contains(" started"), || job.log());
        std::thread::sleep(Duration::from_secs(3));
        let counts = std::fs::read_to_string(format!("/proc/{}/io", job.child.id())).unwrap();
        counts.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok()).unwrap()
    };
    let (small, large) = (read(",'source.buffer_size'='1000'"), read(",'source.buffer_size'='300000'"));
    assert!(large > small + 10_000_000, "{small} and {large} bytes read");
}

#[test]
fn an_application_file_gives_brokers_and_the_longest_wait() {
    let folder = Folder::new();
    folder.write("app.yaml", "kafka_brokers: k1:9092\nVELO_BATCH_TIMEOUT_MS: 77\n");
    folder.write("s.sql", "SELECT id FROM t WITH ('t.type'='kafka','t.schema'='id BIGINT')");
    let explained = folder.run(&["explain", "s.sql", "--config", "app.yaml"]).expect(0).out;
    assert!(explained.contains("t.bootstrap.servers = k1:9092 (app.yaml:1)"), "{explained}");
    assert!(folder.run(&["validate", "s.sql"]).expect(2).err.contains("'t.bootstrap.servers' is missing"));
    // A row that waits for a batch waits no longer than the file says.
    folder.write("a.jsonl", "{\"id\":1}\n");
    let waits = |milliseconds: &str| {
        folder.write("app.yaml", format!("VELO_BATCH_TIMEOUT_MS: {milliseconds}\n"));
        folder.write("o.jsonl", "");
        let sql = "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','o.type'='file','o.path'='o.jsonl','batch.size'='1000')";
        let _job = folder.start(&["--config", "app.yaml", "--sql", sql]);
        std::thread::sleep(Duration::from_millis(2_000));
        folder.read("o.jsonl").is_empty()
    };
    assert!(waits("3600000") && !waits("50"));
}

#[test]
fn an_application_file_says_how_much_is_told() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let told = |level: &str| {
        folder.write("app.yaml", format!("log_level: {level}\n"));
        folder.run(&["--config", "app.yaml", "--sql", "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl')"]).expect(0).err
    };
    assert!(told("info").contains("' started") && !told("error").contains("' started"));
}

#[test]
fn an_application_file_limits_jobs_sources_and_sinks() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let job = "SELECT a.id FROM a JOIN b ON a.id = b.id INTO o, p WITH ('a.type'='file','a.path'='a.jsonl','b.type'='file','b.path'='a.jsonl','o.type'='file','o.path'='o.csv','p.type'='file','p.path'='p.csv')";
    let other = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl')";
    let run = |limit: &str, sql: &str| {
        folder.write("app.yaml", limit);
        folder.run(&["--config", "app.yaml", "--sql", sql]).status
    };
    for key in ["VELO_MAX_SOURCES_PER_JOB", "VELO_MAX_SINKS_PER_JOB"] {
        assert_eq!((run(&format!("{key}: 1\n"), job), run(&format!("{key}: 2\n"), job)), (2, 0), "{key}");
    }
    let both = format!("{job}; {other}");
    assert_eq!((run("VELO_MAX_JOBS: 1\n", &both), run("VELO_MAX_JOBS: 2\n", &both)), (2, 0));
}

#[test]
fn an_application_file_has_profiles_and_names_one() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let told = |active: &str| {
        folder.write("app.yaml", format!("{active}profiles:\n  quiet:\n    log_level: error\n  loud:\n    log_level: info\n"));
        folder.run(&["--config", "app.yaml", "--sql", "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl')"]).expect(0).err.contains("' started")
    };
    assert!(told("active_profile: loud\n") && !told("active_profile: quiet\n"));
}
