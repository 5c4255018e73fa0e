//! What happens when something fails: records, expressions, sinks, signals, sudden death.

use std::time::Duration;

use crate::velo::{Folder, assert_balanced, eventually};

const LINES: &str = "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":3}\n";

fn sql(extra: &str) -> String {
    format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl'{extra})")
}

#[test]
fn a_bad_record_stops_the_job_by_default_and_says_how_to_go_on() {
    let folder = Folder::new();
    folder.write("a.jsonl", LINES);
    for mode in ["batch", "stream"] {
        let ran = folder.sql(&sql(&format!(",'execution.mode'='{mode}'"))).expect(1);
        assert!(ran.err.contains("source 'a', a.jsonl, line 2: field 'id': \"x\" is not BIGINT"), "{}", ran.err);
        assert!(ran.err.contains("mend the record, or set 'a.failure_strategy' = 'LogAndContinue'"), "{}", ran.err);
    }
}

#[test]
fn log_and_continue_skips_and_counts() {
    let folder = Folder::new();
    folder.write("a.jsonl", LINES);
    for mode in ["batch", "stream"] {
        let ran = folder.sql(&sql(&format!(",'execution.mode'='{mode}','failure_strategy'='LogAndContinue'"))).expect(0);
        assert_eq!(folder.read("o.jsonl"), "{\"id\":1}\n{\"id\":3}\n");
        assert!(
            ran.err.contains("warn job 'query_1', source 'a', a.jsonl, line 2: field 'id': \"x\" is not BIGINT; record skipped (LogAndContinue; 1 so far"),
            "{}",
            ran.err
        );
        let job = ran.job();
        assert_eq!((job["in"].as_u64(), job["out"].as_u64(), job["rejected"].as_u64()), (Some(3), Some(2), Some(1)));
        assert_balanced(&job);
    }
}

#[test]
fn fail_batch_writes_nothing_of_the_batch_and_leaves_earlier_ones() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":0}\n{\"id\":5}\n");
    let sql =
        "SELECT 10 / id AS q FROM a INTO o, p WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.jsonl','p.type'='file','p.path'='p.csv',
        'execution.mode'='stream','failure_strategy'='FailBatch','batch.strategy'='fixed_size','batch.size'='2')";
    let ran = folder.sql(sql).expect(1);
    assert_eq!(folder.read("o.jsonl"), "{\"q\":10}\n{\"q\":5}\n");
    assert_eq!(folder.read("p.csv"), "q\n10\n5\n");
    assert_eq!(ran.job()["batches_failed"].as_u64(), Some(1));
}

#[test]
fn expressions_that_fail_take_only_their_row() {
    let folder = Folder::new();
    let lines: String = (0..1000).map(|id| format!("{{\"id\":{id},\"t\":\"{}\"}}\n", if id % 100 == 7 { "x".to_owned() } else { id.to_string() })).collect();
    folder.write("a.jsonl", lines);
    let query = |strategy: &str, mode: &str| {
        format!(
            "SELECT id, 100 / (id - 500) AS q FROM a WHERE CAST(t AS BIGINT) >= 0 WITH ('a.type'='file','a.path'='a.jsonl','failure_strategy'='{strategy}','execution.mode'='{mode}')"
        )
    };
    for mode in ["batch", "stream"] {
        let ran = folder.sql(&query("LogAndContinue", mode)).expect(0);
        // Ten texts are no numbers, and one row divides by zero.
        assert_eq!(ran.out.lines().count(), 989, "{mode}");
        let job = ran.job();
        assert_eq!(job["rejected"].as_u64(), Some(11));
        assert_balanced(&job);
        let stopped = folder.sql(&query("RetryWithBackoff", mode)).expect(1);
        assert!(stopped.err.contains("LogAndContinue"), "{}", stopped.err);
    }
}

#[test]
fn a_full_device_is_an_error_and_a_closed_pipe_is_not() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..50_000).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let select = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl')";
    let full = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{} --sql \"{select}\" > /dev/full", crate::velo::binary().display()))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&full.stderr).contains("No space left on device"), "{}", String::from_utf8_lossy(&full.stderr));
    for mode in ["batch", "stream"] {
        let script = format!("{} --quiet --set execution.mode={mode} --sql \"{select}\" | head -n 3; exit ${{PIPESTATUS[0]}}", crate::velo::binary().display());
        let closed = std::process::Command::new("bash").arg("-c").arg(script).current_dir(folder.path()).output().unwrap();
        assert_eq!((closed.status.code(), String::from_utf8_lossy(&closed.stderr).as_ref()), (Some(0), ""), "{mode}");
        assert_eq!(String::from_utf8_lossy(&closed.stdout).lines().count(), 3);
    }
    let sink = folder.sql("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='/dev/full','o.format'='json','max_retries'='1','retry_backoff'='10ms')");
    assert_eq!(sink.status, 1);
    assert!(sink.err.contains("/dev/full: No space left on device") && sink.err.contains("try 1 of 1"), "{}", sink.err);
}

#[test]
fn a_failing_sink_does_not_stop_the_others_where_rows_may_be_lost() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..50_000).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let ran = folder.sql(
        "SELECT id FROM a INTO good, bad WITH ('a.type'='file','a.path'='a.jsonl','good.type'='file','good.path'='good.jsonl','bad.type'='file','bad.path'='/dev/full','bad.format'='json',
         'bad.failure_strategy'='LogAndContinue')",
    );
    assert_eq!(folder.read("good.jsonl").lines().count(), 50_000);
    let job = ran.job();
    let bad = &job["sinks"][1];
    assert_eq!(bad["name"], "bad");
    assert!(bad["lost"].as_u64().unwrap() > 0, "{bad}");
    assert!(ran.err.contains("sink 'bad', failed:"), "{}", ran.err);
}

#[test]
fn a_sink_that_can_not_be_created_leaves_the_others_and_all_of_them_leave_standard_output() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    folder.write("file", "not a folder");
    let ran = folder.sql("SELECT id FROM a INTO good, bad WITH ('a.type'='file','a.path'='a.jsonl','good.type'='file','good.path'='good.jsonl','bad.type'='file','bad.path'='file/x.jsonl')").expect(1);
    assert!(ran.err.contains("Warning: Job 'query_1' failed to create sinks: Failed to create sink 'sink_1_bad': "), "{}", ran.err);
    assert_eq!(folder.read("good.jsonl"), "{\"id\":1}\n");
    let all = folder.sql("SELECT id FROM a INTO bad WITH ('a.type'='file','a.path'='a.jsonl','bad.type'='file','bad.path'='file/x.jsonl')").expect(1);
    assert_eq!(all.out, "{\"id\":1}\n");
    assert!(all.err.contains("all sinks have failed; rows go to standard output"), "{}", all.err);
}

#[test]
fn a_failing_job_does_not_stop_the_others_of_its_script() {
    let folder = Folder::new();
    folder.write("a.jsonl", LINES);
    folder.write("b.jsonl", "{\"id\":1}\n");
    folder.write(
        "s.sql",
        "CREATE STREAM x AS SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl');
         CREATE STREAM y AS SELECT id FROM b INTO p WITH ('b.type'='file','b.path'='b.jsonl','p.type'='file','p.path'='p.jsonl')",
    );
    let ran = folder.run(&["run", "s.sql", "--summary", "json"]).expect(1);
    assert_eq!(folder.read("p.jsonl"), "{\"id\":1}\n");
    let jobs = ran.summary()["jobs"].clone();
    assert_eq!((jobs[0]["status"].as_str(), jobs[1]["status"].as_str()), (Some("failed"), Some("done")));
}

#[test]
fn the_second_signal_ends_at_once() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    // A write that is tried again for minutes keeps the job from draining.
    let sql = "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','o.type'='file','o.path'='/dev/full','o.format'='json','o.buffer_size_bytes'='1','retry_backoff'='60s')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the first try", || job.log().contains("try 1 of 3"));
    job.signal(libc::SIGINT);
    eventually("draining", || job.log().contains("draining"));
    std::thread::sleep(Duration::from_millis(200));
    job.signal(libc::SIGINT);
    assert_eq!(job.wait(), 130);
}

#[test]
fn sudden_death_leaves_no_broken_file_under_a_final_name() {
    let folder = Folder::new();
    folder.write("a.jsonl", "");
    let sql = "SELECT id, pad FROM a INTO p, z, j WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='5ms','a.schema'='id BIGINT, pad VARCHAR',
        'p.type'='file','p.path'='p/x.parquet','p.roll.interval'='150ms','p.append'='true','z.type'='file','z.path'='z/x.jsonl.gz','z.compression'='gzip','z.roll.interval'='150ms','z.append'='true',
        'j.type'='file','j.path'='j.jsonl')";
    let mut written = 0u32;
    for round in 0..6u64 {
        let mut job = folder.start(&["--sql", sql]);
        let mut input = std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap();
        for _ in 0..40 + round * 7 {
            let lines: String = (written..written + 200).map(|id| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "y".repeat(50))).collect();
            std::io::Write::write_all(&mut input, lines.as_bytes()).unwrap();
            written += 200;
            std::thread::sleep(Duration::from_millis(10));
        }
        job.signal(libc::SIGKILL);
        job.wait();
    }
    let files: Vec<String> = ["p", "z"].iter().flat_map(|name| folder.list(name)).filter(|file| !file.contains("/.")).collect();
    assert!(files.iter().any(|file| file.ends_with(".parquet")) && files.iter().any(|file| file.ends_with(".gz")), "some files were completed: {files:?}");
    for file in &files {
        let ran = folder.sql(&format!("SELECT count(*) AS n FROM t WITH ('t.type'='file','t.path'='{file}')"));
        assert_eq!(ran.status, 0, "{file}: {}", ran.err);
    }
    // The next run removes what was left unfinished.
    let mut job = folder.start(&["--sql", sql]);
    eventually("the last sink", || job.log().contains("sink_2_j created"));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let rest: Vec<String> = folder.list("").into_iter().filter(|file| file.ends_with(".tmp")).collect();
    assert_eq!(rest, Vec::<String>::new());
}

#[test]
fn a_sink_that_fails_with_the_last_rows_fails_the_job() {
    let folder = Folder::new();
    let lines: String = (0..2_000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    folder.write("a.jsonl", lines);
    for mode in ["batch", "stream"] {
        for strategy in ["RetryWithBackoff", "FailBatch"] {
            let ran = folder.sql(&format!(
                "SELECT id FROM a INTO full, good WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','full.type'='file','full.path'='/dev/full','full.format'='json',
                 'good.type'='file','good.path'='good.jsonl','retry_backoff'='1ms','execution.mode'='{mode}','failure_strategy'='{strategy}')"
            ));
            assert_eq!(ran.status, 1, "{mode} {strategy}: {}", ran.err);
            assert!(ran.err.contains("sink 'full' failed") && ran.err.contains("No space left on device"), "{mode} {strategy}: {}", ran.err);
            let full = ran.job()["sinks"][0].clone();
            assert_eq!((full["rows"].as_u64(), full["lost"].as_u64()), (Some(0), Some(2_000)), "{mode} {strategy}: {}", ran.err);
        }
    }
}

#[test]
fn rows_that_a_surviving_job_could_not_write_make_the_status_1() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let ran = folder.sql("SELECT id FROM a INTO full WITH ('a.type'='file','a.path'='a.jsonl','full.type'='file','full.path'='/dev/full','full.format'='json','full.buffer_size_bytes'='1','failure_strategy'='LogAndContinue')");
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert_eq!(ran.job()["sinks"][0]["lost"].as_u64(), Some(1));
}

#[test]
fn a_sink_that_hangs_is_given_the_shutdown_timeout() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let sql = "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','o.type'='file','o.path'='/dev/full','o.format'='json','o.buffer_size_bytes'='1','retry_backoff'='60s','shutdown.timeout'='300ms')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the first try", || job.log().contains("try 1 of 3"));
    let asked = std::time::Instant::now();
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1);
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(job.log().contains("not drained within 0.3 s"), "{}", job.log());
}

#[test]
fn a_refused_start_leaves_the_other_outputs_as_they_are() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    folder.write("kept.jsonl", "{\"id\":7}\n");
    let follow = "SELECT id FROM a INTO p WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','p.type'='file','p.path'='p.jsonl')";
    let mut job = folder.start(&["--sql", follow]);
    eventually("the first job", || folder.exists("p.jsonl") && folder.read("p.jsonl").contains('1'));
    let ran = folder.sql("SELECT id FROM a INTO kept, p WITH ('a.type'='file','a.path'='a.jsonl','kept.type'='file','kept.path'='kept.jsonl','p.type'='file','p.path'='p.jsonl')");
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("is being written by another job"), "{}", ran.err);
    assert_eq!(folder.read("kept.jsonl"), "{\"id\":7}\n");
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0);
}

#[test]
fn nothing_of_a_failed_batch_reaches_the_sinks_of_any_statement_of_its_pipeline() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..40).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    folder.write(
        "s.sql",
        "CREATE STREAM x AS SELECT id FROM a INTO xo WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','xo.type'='file','xo.path'='x.jsonl','failure_strategy'='FailBatch',
           'execution.mode'='stream','batch.strategy'='fixed_size','batch.size'='10');
         CREATE STREAM y AS SELECT 1 / (id - 25) AS r FROM x INTO yo WITH ('yo.type'='file','yo.path'='y.jsonl','failure_strategy'='FailBatch')",
    );
    let ran = folder.run(&["run", "s.sql"]).expect(1);
    assert!(ran.err.contains("ivide by zero"), "{}", ran.err);
    assert_eq!((folder.read("x.jsonl").lines().count(), folder.read("y.jsonl").lines().count()), (20, 20));
}

#[test]
fn a_batch_of_joins_that_is_stopped_keeps_what_it_has() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"k\":1,\"name\":\"one\"}\n");
    let line = format!("{{\"k\":1,\"pad\":\"{}\"}}\n", "x".repeat(100));
    folder.write("a.jsonl", line.repeat(1_500_000));
    for (select, status) in
        [("SELECT a.pad, t.name FROM a JOIN t ON a.k = t.k", 0), ("SELECT a.pad, count(*) AS n FROM a JOIN t ON a.k = t.k GROUP BY a.pad", 1)]
    {
        let sql = format!(
            "{select} INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='k BIGINT, pad VARCHAR','t.type'='file','t.path'='t.jsonl','o.type'='file','o.path'='o.jsonl','execution.mode'='batch')"
        );
        let mut job = folder.start(&["--sql", &sql]);
        std::thread::sleep(Duration::from_millis(700));
        job.signal(libc::SIGINT);
        assert_eq!(job.wait(), status, "{}", job.log());
        let log = job.log();
        assert_eq!(log.contains("there is no result"), status == 1, "{log}");
    }
    let written = folder.read("o.jsonl");
    assert!(written.is_empty() || written.ends_with('\n'));
}

#[test]
fn a_function_that_panics_fails_its_row_alone() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"i\":1}\n{\"i\":9223372036854775807}\n{\"i\":2}\n");
    let with = "WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='i BIGINT'";
    for mode in ["batch", "stream"] {
        let sql = format!("SELECT i, array_length(range(i)) AS n FROM a {with},'execution.mode'='{mode}','failure_strategy'='LogAndContinue')");
        let ran = folder.sql(&sql).expect(0);
        assert_eq!((ran.out.as_str(), ran.job()["rejected"].as_u64()), ("{\"i\":1,\"n\":1}\n{\"i\":2,\"n\":2}\n", Some(1)), "{}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    }
    let planned = folder.sql(&format!("SELECT i, range(9223372036854775807) AS n FROM a {with})")).expect(1);
    assert!(planned.err.contains("range() would make ") && !planned.err.contains("panicked"), "{}", planned.err);
}

#[test]
fn batches_before_a_bad_record_stay() {
    let folder = Folder::new();
    let record = |id: u32| if id == 4_102 { "broken\n".to_owned() } else { format!("{{\"id\":{id}}}\n") };
    folder.write("a.jsonl", (1..=9_000).map(record).collect::<String>());
    let sql =
        "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl','execution.mode'='stream',
        'failure_strategy'='FailBatch','batch.strategy'='fixed_size','batch.size'='1000')";
    let ran = folder.sql(sql).expect(1);
    assert!(ran.err.contains("line 4102"), "{}", ran.err);
    assert_eq!(folder.read("o.jsonl").lines().count(), 4_000, "{}", ran.err);
}
