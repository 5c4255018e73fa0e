//! Keys of every source, and of file sources.

use std::time::Duration;

use crate::velo::{Folder, Ran, eventually, eventually_or};

const CSV: &str = "id,at\n1,1700000000\n2,1700000001\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    folder
}

/// Rows of a source `t` with some settings.
fn select(folder: &Folder, what: &str, settings: &str) -> Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", &format!("SELECT {what} FROM t WITH ('t.type'='file',{settings})")])
}

#[test]
fn what_a_file_is_and_where() {
    let folder = folder();
    folder.write("t.data", CSV);
    folder.write("other.csv", "id\n7\n");
    assert_eq!(select(&folder, "id", "'t.path'='t.csv'").expect(0).out, "{\"id\":1}\n{\"id\":2}\n");
    assert_eq!(select(&folder, "id", "'t.path'='other.csv'").expect(0).out, "{\"id\":7}\n");
    // Without a suffix that says it, a file is JSON.
    select(&folder, "*", "'t.path'='t.data','t.schema'='id BIGINT'").expect(1);
    assert_eq!(select(&folder, "id", "'t.path'='t.data','t.format'='csv'").expect(0).out, "{\"id\":1}\n{\"id\":2}\n");
}

#[test]
fn types_say_what_reads() {
    let folder = folder();
    let run = |kind: &str| folder.run(&["--sql", &format!("SELECT id FROM t WITH ({kind}'t.path'='t.csv')")]);
    assert_eq!(run("'t.type'='file_source',").expect(0).out.lines().count(), 2);
    assert!(run("").expect(2).err.contains("Source type must be explicitly specified for 't'"));
    assert!(run("'t.type'='kafka',").expect(2).err.contains("'t.path' is a key of file_source"));
}

#[test]
fn columns_are_those_that_are_declared() {
    let folder = folder();
    assert_eq!(select(&folder, "*", "'t.path'='t.csv'").expect(0).out.lines().next(), Some("{\"id\":1,\"at\":1700000000}"));
    assert_eq!(select(&folder, "*", "'t.path'='t.csv','t.schema'='id VARCHAR'").expect(0).out.lines().next(), Some("{\"id\":\"1\"}"));
    // In a file, columns may be a list.
    folder.write("t.yaml", "schema:\n  - id DECIMAL(4,1)\n  - at VARCHAR\n");
    assert_eq!(select(&folder, "*", "'t.path'='t.csv','t.config_file'='t.yaml'").expect(0).out.lines().next(), Some("{\"id\":1.0,\"at\":\"1700000000\"}"));
}

#[test]
fn event_times_are_of_a_column_and_of_a_unit() {
    let folder = folder();
    let time = |settings: &str| select(&folder, "_event_time AS t", &format!("'t.path'='t.csv'{settings}"));
    assert_eq!(time(",'t.event_time'='at'").expect(0).out.lines().next(), Some("{\"t\":\"1970-01-20T16:13:20Z\"}"));
    assert_eq!(time(",'t.event_time'='at','t.event_time.unit'='s'").expect(0).out.lines().next(), Some("{\"t\":\"2023-11-14T22:13:20Z\"}"));
    let without = time("");
    assert!(!without.out.contains("2023-11-14") && !without.out.contains("1970"), "{}", without.out);
}

#[test]
fn records_that_are_too_long_are_rejected() {
    let folder = Folder::new();
    folder.write("t.jsonl", format!("{{\"id\":1}}\n{{\"id\":2,\"pad\":\"{}\"}}\n", "x".repeat(500)));
    let rejected = |settings: &str| {
        let ran = select(&folder, "id", &format!("'t.path'='t.jsonl','failure_strategy'='LogAndContinue'{settings}")).expect(0);
        ran.job()["rejected"].as_u64().unwrap()
    };
    assert_eq!((rejected(""), rejected(",'t.max_record_size'='100'"), rejected(",'t.max_record_size'='1KB'")), (0, 1, 0));
}

#[test]
fn a_source_meets_its_bad_records_as_it_says() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":3}\n");
    let run = |settings: &str| select(&folder, "id", &format!("'t.path'='t.jsonl','t.schema'='id BIGINT'{settings}"));
    assert_eq!(run("").status, 1);
    assert_eq!(run(",'t.failure_strategy'='LogAndContinue'").expect(0).out, "{\"id\":1}\n{\"id\":3}\n");
    assert_eq!(run(",'failure_strategy'='LogAndContinue','t.failure_strategy'='FailBatch'").status, 1, "the source's own counts");
    // That of another source does not.
    folder.write("u.jsonl", "{\"id\":1}\n");
    let text = "SELECT t.id FROM t JOIN u ON t.id = u.id WITH ('t.type'='file','t.path'='t.jsonl','t.schema'='id BIGINT','u.type'='file','u.path'='u.jsonl','u.failure_strategy'='LogAndContinue')";
    assert_eq!(folder.run(&["--sql", text]).status, 1);
}

#[test]
fn a_source_is_tried_again_as_it_says() {
    let folder = Folder::new();
    folder.write("s.jsonl", "{\"id\":1}\n");
    let told = |settings: &str, line: &str| {
        folder.write("t.jsonl", "{\"id\":1}\n");
        let sql = format!(
            "SELECT s.id FROM s JOIN t ON s.id = t.id INTO o WITH ('s.type'='file','s.path'='s.jsonl','s.follow'='true','t.type'='file','t.path'='t.jsonl','t.schema'='id BIGINT',
             't.refresh_interval'='50ms','o.type'='file','o.path'='o.jsonl'{settings})"
        );
        let job = folder.start(&["--sql", &sql]);
        eventually_or("the first row", || folder.exists("o.jsonl") && !folder.read("o.jsonl").is_empty(), || job.log());
        std::fs::remove_file(folder.path().join("t.jsonl")).unwrap();
        eventually_or(line, || job.log().contains(line), || job.log());
        drop(job);
        folder.write("o.jsonl", "");
    };
    told("", "try 1 of 3 in 1000 ms");
    told(",'max_retries'='2','retry_backoff'='7ms'", "try 1 of 2 in 7 ms");
    told(",'max_retries'='2','retry_backoff'='7ms','t.max_retries'='4','t.retry_backoff'='9ms'", "try 1 of 4 in 9 ms");
}

#[test]
fn a_followed_file_ends_where_it_is_told_to() {
    let folder = folder();
    assert_eq!(select(&folder, "id", "'t.path'='t.csv','t.follow'='true','t.until'='latest'").expect(0).out.lines().count(), 2);
    let job = folder.start(&["--sql", "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='t.csv','t.follow'='true','o.type'='file','o.path'='o.jsonl')"]);
    eventually("both rows", || folder.exists("o.jsonl") && folder.read("o.jsonl").lines().count() == 2);
    std::thread::sleep(Duration::from_millis(300));
    let mut job = job;
    assert!(job.child.try_wait().unwrap().is_none(), "it goes on without an end");
}

#[test]
fn a_followed_file_is_looked_at_as_often_as_it_says() {
    let appears = |interval: &str| {
        let folder = Folder::new();
        folder.write("t.jsonl", "{\"id\":1}\n");
        let sql = format!(
            "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='t.jsonl','t.follow'='true','t.follow.interval'='{interval}','o.type'='file','o.path'='o.jsonl')"
        );
        let _job = folder.start(&["--sql", &sql]);
        eventually("the first row", || folder.exists("o.jsonl") && folder.read("o.jsonl").lines().count() == 1);
        std::thread::sleep(Duration::from_millis(300));
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join("t.jsonl")).unwrap();
        std::io::Write::write_all(&mut file, b"{\"id\":2}\n").unwrap();
        std::thread::sleep(Duration::from_millis(1_000));
        folder.read("o.jsonl").lines().count() == 2
    };
    assert!(appears("20ms") && !appears("1h"));
}

#[test]
fn a_source_is_cut_into_batches_of_its_own() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..500).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let batches = |settings: &str| {
        let sql = format!(
            "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{{batch_id}}.out','execution.mode'='stream'{settings})"
        );
        folder.sql(&sql).expect(0);
        let files: Vec<String> = folder.list("").into_iter().filter(|file| file.ends_with(".out")).collect();
        let mut rows: Vec<usize> = files.iter().map(|file| folder.read(file).lines().count()).collect();
        files.iter().for_each(|file| std::fs::remove_file(folder.path().join(file)).unwrap());
        rows.sort_unstable();
        rows
    };
    assert_eq!(batches(""), [500]);
    assert_eq!(batches(",'a.batch.size'='200','batch.size'='7'"), [100, 200, 200]);
    assert_eq!(batches(",'a.batch.strategy'='low_latency'"), [100; 5], "as many as that strategy takes by itself");
    assert_eq!(batches(",'batch.strategy'='low_latency','a.batch.strategy'='fixed_size'"), [500]);
}

#[test]
fn a_source_waits_for_a_full_batch_as_long_as_it_says() {
    let appears = |settings: &str| {
        let folder = Folder::new();
        folder.write("a.jsonl", "{\"id\":1}\n");
        let sql = format!(
            "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='10ms','o.type'='file','o.path'='o.jsonl','batch.size'='1000','batch.timeout'='1h'{settings})"
        );
        let _job = folder.start(&["--sql", &sql]);
        eventually("the job runs", || folder.exists("o.jsonl"));
        std::thread::sleep(Duration::from_millis(1_500));
        !folder.read("o.jsonl").is_empty()
    };
    assert!(appears(",'a.batch.timeout'='50ms'") && !appears(""));
}
