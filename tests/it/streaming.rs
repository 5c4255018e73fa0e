//! What the stream driver promises: limits, chains, refreshed tables, ends.

use crate::velo::{Folder, assert_balanced, eventually};

#[test]
fn limit_counts_over_all_epochs_and_ends_an_endless_job() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..100).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let sql = "SELECT id FROM a LIMIT 7 OFFSET 3 WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','batch.strategy'='fixed_size','batch.size'='4','batch.timeout'='50ms')";
    let ran = folder.sql(sql).expect(0);
    assert_eq!(ran.out, (3..10).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    assert_balanced(&ran.job());
    let by_flag = folder.run(&["--quiet", "--limit", "2", "--sql", "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true')"]).expect(0);
    assert_eq!(by_flag.out, "{\"id\":0}\n{\"id\":1}\n");
}

#[test]
fn a_refreshed_table_takes_effect_between_epochs() {
    let folder = Folder::new();
    folder.write("c.csv", "id,name\n1,old\n");
    folder.write("a.jsonl", "{\"c\":1}\n");
    let sql = "SELECT c.name FROM a JOIN c ON a.c = c.id INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','a.follow.interval'='20ms',
        'c.type'='file','c.path'='c.csv','c.refresh_interval'='100ms','c.max_retries'='0','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the old name", || folder.exists("o.jsonl") && folder.read("o.jsonl").contains("old"));
    folder.write("c.csv", "id,name\n1,new\n");
    std::thread::sleep(std::time::Duration::from_millis(400));
    std::io::Write::write_all(&mut std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap(), b"{\"c\":1}\n").unwrap();
    eventually("the new name", || folder.read("o.jsonl").contains("new"));
    // A table that can't be read keeps its old version.
    std::fs::remove_file(folder.path().join("c.csv")).unwrap();
    eventually("a line about it", || job.log().contains("the old version stays"));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0);
    assert_eq!(folder.read("o.jsonl"), "{\"name\":\"old\"}\n{\"name\":\"new\"}\n");
}

#[test]
fn a_table_that_is_loaded_again_and_again_fills_no_log() {
    let folder = Folder::new();
    folder.write("c.csv", "id,name\n1,x\nbad,y\n");
    folder.write("a.jsonl", "{\"c\":1}\n");
    let sql =
        "SELECT c.name FROM a JOIN c ON a.c = c.id INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','c.schema'='id BIGINT, name VARCHAR',
        'c.type'='file','c.path'='c.csv','c.refresh_interval'='10ms','failure_strategy'='LogAndContinue','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the first row", || folder.exists("o.jsonl") && folder.read("o.jsonl").contains('x'));
    std::thread::sleep(std::time::Duration::from_millis(700));
    std::fs::remove_file(folder.path().join("c.csv")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0);
    let log = job.log();
    for text in ["c loaded, 1 rows", "record skipped", "the old version stays"] {
        assert_eq!(log.matches(text).count(), 1, "{text}: {log}");
    }
}

#[test]
fn statements_of_one_script_read_each_other() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..50).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let script = "CREATE STREAM even AS SELECT id FROM a WHERE id % 2 = 0 WITH ('a.type'='file','a.path'='a.jsonl');
        CREATE STREAM big AS SELECT id + 1000 AS big FROM even WHERE id >= 40 INTO o WITH ('o.type'='file','o.path'='o.jsonl');";
    folder.write("s.sql", script);
    for mode in ["batch", "stream"] {
        let ran = folder.run(&["run", "s.sql", "--summary", "json", "--set", &format!("execution.mode={mode}")]).expect(0);
        assert_eq!(folder.read("o.jsonl"), [1040, 1042, 1044, 1046, 1048].map(|id| format!("{{\"big\":{id}}}\n")).concat(), "{mode}");
        assert_eq!(ran.out, "", "a stream that another statement reads is not printed");
        for job in ran.summary()["jobs"].as_array().unwrap() {
            assert_balanced(job);
        }
    }
}

#[test]
fn a_limit_ends_the_statements_that_only_it_reads() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..50).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    folder.write("s.sql", "CREATE STREAM x AS SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true'); SELECT id FROM x LIMIT 2");
    assert_eq!(folder.run(&["run", "s.sql", "--quiet"]).expect(0).out, "{\"id\":0}\n{\"id\":1}\n");
}

#[test]
fn positions_are_those_that_every_sink_has_made_durable() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n{\"id\":2}\n");
    let ran = folder.sql("SELECT * FROM a INTO o, p WITH ('execution.mode'='stream','a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.jsonl','p.type'='file','p.path'='p.parquet')").expect(0);
    let job = ran.job();
    assert_eq!(job["positions"]["a"]["a.jsonl"].as_u64(), Some(18));
    assert_eq!(job["acked"], job["epochs"]);
}

#[test]
fn clock_functions_give_one_value_in_an_epoch_and_go_on_between_epochs() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..3).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let sql = "SELECT now() = current_timestamp AS same, now() >= _ingest_time - INTERVAL '1' MINUTE AS recent, today() = current_date AS day FROM a WITH ('a.type'='file','a.path'='a.jsonl')";
    for mode in ["batch", "stream"] {
        let ran = folder.run(&["--quiet", "--sql", sql, "--set", &format!("execution.mode={mode}"), "--set", "batch.size=1"]).expect(0);
        assert_eq!(ran.out, "{\"same\":true,\"recent\":true,\"day\":true}\n".repeat(3), "{mode}");
    }
}

#[test]
fn what_a_stream_can_not_do_is_refused_with_what_to_do_instead() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let refused = |select: &str| {
        let with = "WITH ('a.type'='file','a.path'='a.jsonl','a.follow'='true','b.type'='file','b.path'='a.jsonl','b.follow'='true')";
        let ran = folder.run(&["--sql", &format!("{select} {with}")]);
        assert_eq!(ran.status, 2, "{select}: {}", ran.err);
        ran.err
    };
    for (select, text) in [
        (
            "SELECT a.id, count(*) FROM a JOIN b ON a.id = b.id AND a._event_time = b._event_time GROUP BY a.id HAVING count(*) > 1",
            "need a window of its event time",
        ),
        ("SELECT a.id FROM a CROSS JOIN b", "join of 'a' and 'b': a join of two sources that may never end needs a bound of their times"),
        ("SELECT a.id FROM a WHERE a.id IN (SELECT b.id FROM b)", "join of 'a' and 'b': a join of two sources that may never end needs a bound of their times"),
        ("SELECT DISTINCT a.id FROM a UNION ALL SELECT b.id FROM b", "DISTINCT over a stream"),
        ("SELECT a.id FROM a UNION ALL SELECT b.id FROM b ORDER BY id", "ORDER BY over a stream would wait for its end"),
        ("SELECT lag(a.id) OVER (ORDER BY a.id) FROM a WHERE EXISTS (SELECT 1 FROM b)", "join of 'a' and 'b'"),
        ("SELECT id FROM a EXCEPT SELECT id FROM b", "EXCEPT and INTERSECT over a stream"),
        ("SELECT id FROM a UNION SELECT id FROM b", "DISTINCT over a stream"),
    ] {
        let error = refused(select);
        assert!(error.contains(text), "{select}: {error}");
        assert!(error.contains("batch") || error.contains("bounded"), "says what to do instead: {error}");
    }
}
