//! Jobs that have fallen go on from their records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::kafka::Broker;
use crate::velo::{Folder, Started, eventually_or};

/// A row of the followed file; times are a second apart.
fn line(id: u32) -> String {
    format!("{{\"id\":{id},\"k\":\"k{}\",\"at\":\"2026-05-01T{:02}:{:02}:{:02}Z\",\"v\":{}}}\n", id * 7 % 5, id / 3600, id / 60 % 60, id % 60, id % 11)
}

fn append(folder: &Folder, ids: std::ops::Range<u32>) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("a.jsonl")).unwrap();
    file.write_all(ids.map(line).collect::<String>().as_bytes()).unwrap();
}

const SOURCE: &str = "'a.type'='file','a.path'='a.jsonl','a.follow'='true','a.schema'='id BIGINT, k VARCHAR, at TIMESTAMP, v BIGINT','a.event_time'='at'";
const STATE: &str = "'state.dir'='state','checkpoint.interval'='0ms'";

fn records(folder: &Folder) -> Vec<String> {
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    folder.list("state").into_iter().map(name).filter(|name| name.ends_with(".record") || name.ends_with(".base")).collect()
}

fn kill(mut job: Started) -> String {
    job.signal(libc::SIGKILL);
    job.wait();
    job.output()
}

fn stop(mut job: Started) -> String {
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    job.output()
}

fn rows(text: &str) -> Vec<serde_json::Value> {
    // What was cut off by a fall comes again.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn running_counts_go_on_after_a_fall() {
    let folder = Folder::new();
    let sql = format!(
        "CREATE STREAM counts AS SELECT k, count(*) AS n, sum(v) AS total, max(id) AS last FROM a GROUP BY k WITH ({SOURCE},'state.dir'='state','checkpoint.interval'='0ms','batch.size'='7')"
    );
    append(&folder, 0..100);
    let mut out = String::new();
    for end in [300, 650, 1_000] {
        let job = folder.start(&["--format", "json", "--sql", &sql]);
        append(&folder, end - 200..end - 100);
        // Somewhere in the midst.
        eventually_or("some rows", || job.output().lines().count() > 20, || job.log());
        out.push_str(&kill(job));
        append(&folder, end - 100..if end == 1_000 { end } else { end + 150 });
    }
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    let all = || rows(&format!("{out}{}", job.output()));
    eventually_or("all rows", || all().iter().any(|row| row["last"] == 999), || job.log());
    assert!(job.log().contains("goes on after epoch"), "{}", job.log());
    let last: BTreeMap<String, (u64, u64)> =
        all().iter().map(|row| (row["k"].to_string(), (row["n"].as_u64().unwrap(), row["total"].as_u64().unwrap()))).collect();
    let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for id in 0..1_000_u32 {
        let own = expected.entry(format!("\"k{}\"", id * 7 % 5)).or_default();
        *own = (own.0 + 1, own.1 + u64::from(id % 11));
    }
    stop(job);
    assert_eq!(last, expected, "each row is counted once, whatever was lost");
}

#[test]
fn records_are_written_as_often_as_is_said() {
    let folder = Folder::new();
    append(&folder, 0..200);
    let job = |interval: &str| {
        let sql = format!("SELECT k, count(*) AS n FROM a GROUP BY k WITH ({SOURCE},'state.dir'='state','checkpoint.interval'='{interval}','batch.size'='1')");
        folder.start(&["--format", "json", "--sql", &sql])
    };
    let rare = job("1h");
    eventually_or("all rows", || rare.output().lines().count() == 200, || rare.log());
    assert_eq!(records(&folder), Vec::<String>::new());
    assert_eq!(stop(rare).lines().count(), 200);
    assert_eq!(records(&folder), ["000000000001.record"], "an orderly end is recorded, too");
    let often = job("0ms");
    // Many records are put together into one.
    let has_base = || records(&folder).iter().any(|name| name.ends_with(".base"));
    let mut end = 200;
    while !has_base() && end < 5_000 {
        append(&folder, end..end + 5);
        end += 5;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(has_base(), "{:?}", records(&folder));
    let most = u64::from(end / 5);
    eventually_or("all rows", || rows(&often.output()).iter().map(|row| row["n"].as_u64().unwrap()).max() == Some(most), || often.log());
    stop(often);
    assert!(records(&folder).len() < 150, "{:?}", records(&folder));
    let job = job("0ms");
    append(&folder, end..end + 1);
    eventually_or("one more", || rows(&job.output()).len() == 1, || job.log());
    assert_eq!(rows(&stop(job))[0]["n"], most + 1);
}

/// Runs a statement over Kafka with kills at any time; returns the values of the output topic.
fn with_falls(statement: &str, falls: usize) -> (BTreeSet<String>, BTreeSet<String>) {
    let (folder, broker) = (Folder::new(), Broker::start());
    for topic in ["left", "right", "out"] {
        broker.topic(topic, 2);
    }
    let message = |id: u32, side: u32| {
        let at = format!("2026-05-01T{:02}:{:02}:{:02}Z", id / 3600, id / 60 % 60, id % 60);
        (format!("k{}", id * (side + 3) % 7), format!("{{\"id\":{id},\"k\":\"k{}\",\"at\":\"{at}\",\"v\":{}}}", id * (side + 3) % 7, id * 5 % 13))
    };
    let send = |ids: std::ops::Range<u32>| {
        for (side, topic) in ["left", "right"].into_iter().enumerate() {
            let messages: Vec<(String, String)> = ids.clone().map(|id| message(id, side as u32)).collect();
            let messages: Vec<(Option<&str>, &[u8])> = messages.iter().map(|(key, value)| (Some(key.as_str()), value.as_bytes())).collect();
            broker.send(topic, &messages);
        }
    };
    let schema = "'{}.schema'='id BIGINT, k VARCHAR, at TIMESTAMP, v BIGINT','{}.event_time'='at'";
    // Others wait so long for a member of the group that was killed.
    let schema = format!("{schema},'{{}}.session.timeout.ms'='1000','{{}}.heartbeat.interval.ms'='200'");
    let sources = ["left", "right"].map(|name| format!("{},{}", broker.source(name, name), schema.replace("{}", name))).join(",");
    let sources = if statement.contains("right") { sources } else { format!("{},{}", broker.source("left", "left"), schema.replace("{}", "left")) };
    let sql = format!("CREATE STREAM falls AS {statement} INTO out WITH ({sources},{},{STATE},'batch.size'='20')", broker.sink("out", "out"));
    let read = || {
        let sql = format!("SELECT line FROM out WITH ({},'out.until'='latest','out.schema'='line VARCHAR')", broker.source("out", "out"));
        let ran = folder.run(&["--format", "json", "--sql", &sql]).expect(0);
        ran.out.lines().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    for fall in 0..falls as u32 {
        send(fall * 100..(fall + 1) * 100);
        let job = folder.start(&["--sql", &sql]);
        std::thread::sleep(Duration::from_millis(500 + u64::from(fall) * 170 % 400));
        kill(job);
    }
    let end = falls as u32 * 100;
    send(end..end + 100);
    let job = folder.start(&["--sql", &sql]);
    // The same as one batch. What the watermark has not reached yet stays out of account: rows of the last hundred.
    let batch_sources =
        sources.replace("'left.schema'", "'left.until'='latest','left.schema'").replace("'right.schema'", "'right.until'='latest','right.schema'");
    let batch = folder.run(&["--format", "json", "--sql", &format!("{statement} WITH ({batch_sources},'execution.mode'='batch')")]).expect(0);
    let expected: BTreeSet<String> = batch.out.lines().map(str::to_owned).collect();
    let wanted: BTreeSet<String> = expected.iter().filter(|row| early(row, end)).cloned().collect();
    eventually_or("all rows", || wanted.is_subset(&read()), || format!("{}\nmissing: {:?}", job.log(), wanted.difference(&read()).take(5).collect::<Vec<_>>()));
    assert!(job.log().contains("goes on after epoch"), "{}", job.log());
    stop(job);
    assert!(wanted.len() > 50, "{wanted:?}");
    (read(), expected)
}

/// Whether the first number of a row's line is well before an id.
fn early(row: &str, end: u32) -> bool {
    let digits: String = row.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().is_ok_and(|id| id < end)
}

fn nothing_is_lost_and_nothing_is_wrong(statement: &str) {
    let (found, expected) = with_falls(statement, 4);
    let wrong: Vec<_> = found.difference(&expected).take(5).collect();
    assert!(wrong.is_empty(), "rows that no batch gives: {wrong:?}");
}

#[test]
fn joins_of_streams_go_on_after_falls() {
    nothing_is_lost_and_nothing_is_wrong(
        "SELECT concat(CAST(l.id AS VARCHAR), ' ', l.k, ' ', coalesce(CAST(r.id AS VARCHAR), 'none')) AS line FROM left l LEFT JOIN right r ON l.k = r.k AND r.v > l.v WITHIN INTERVAL '3' SECONDS",
    );
}

#[test]
fn windows_and_histories_go_on_after_falls() {
    nothing_is_lost_and_nothing_is_wrong(
        "SELECT concat(CAST(min(id) AS VARCHAR), ' ', k, ' ', CAST(sum(v) AS VARCHAR), ' ', CAST(max(before) AS VARCHAR)) AS line FROM (SELECT id, k, at, v, LAG(v) OVER (PARTITION BY k ORDER BY at) AS before FROM left) GROUP BY k, tumble(at, INTERVAL '15' SECONDS)",
    );
}

#[test]
fn sessions_go_on_after_falls() {
    nothing_is_lost_and_nothing_is_wrong(
        "SELECT concat(CAST(min(id) AS VARCHAR), ' ', k, ' ', CAST(count(*) AS VARCHAR), ' ', CAST(sum(v) AS VARCHAR)) AS line FROM left WHERE v < 9 GROUP BY k, session(at, INTERVAL '12' SECONDS)",
    );
}

#[test]
fn what_can_not_be_gone_on_with_is_refused() {
    let folder = Folder::new();
    append(&folder, 0..20);
    let run = |query: &str, state: &str| folder.start(&["--format", "json", "--sql", &format!("{query} WITH ({SOURCE},{state})")]);
    let job = run("SELECT k, count(*) AS n FROM a GROUP BY k", STATE);
    eventually_or("a record", || !records(&folder).is_empty(), || job.log());
    stop(job);
    let refused = |query: &str, state: &str, told: &str| {
        let mut job = run(query, state);
        let status = job.wait();
        assert!(status != 0 && job.log().contains(told), "{status}: {}", job.log());
    };
    refused(
        "SELECT k, sum(v) AS n FROM a GROUP BY k",
        STATE,
        "state holds the state of another statement\n  give this one a folder of its own with 'state.dir'",
    );
    let newest = format!("state/{}", records(&folder).pop().unwrap());
    let bytes = std::fs::read(folder.path().join(&newest)).unwrap();
    folder.write(&newest, &bytes[..bytes.len() / 2]);
    refused("SELECT k, count(*) AS n FROM a GROUP BY k", STATE, ".record: is damaged: its checksum is wrong");
    folder.write(&newest, &bytes);
    folder.write("file", "");
    refused("SELECT k, count(*) AS n FROM a GROUP BY k", "'state.dir'='file'", "'state.dir' = 'file' is no folder");
    refused("SELECT k, count(*) AS n FROM a GROUP BY k", "'state.dir'='file/x'", "cannot make the folder ");
    refused("SELECT k, count(*) AS n FROM a GROUP BY k", "'state.dir'='~/x'", "write ${HOME}/…");
    refused("SELECT k, count(*) AS n FROM a GROUP BY k", "'state.dir'='s3://bucket/x'", "records are kept in folders only in this build");
    // Two that run at once would write the same records.
    let first = run("SELECT k, count(*) AS n FROM a GROUP BY k", STATE);
    eventually_or("its start", || first.log().contains("goes on after epoch"), || first.log());
    let log = |job: &Started| job.log();
    let second = folder.run(&["--sql", &format!("SELECT k, count(*) AS n FROM a GROUP BY k WITH ({SOURCE},{STATE})")]);
    assert!(second.err.contains("state belongs to a job that runs\n  a job runs once at a time"), "{}", second.err);
    append(&folder, 20..40);
    eventually_or("it goes on", || rows(&first.output()).iter().any(|row| row["n"] == 8), || log(&first));
    stop(first);
    // What rows mean is a part of the statement.
    let other = SOURCE.replace("'a.event_time'='at'", "'a.event_time'='id','a.event_time.unit'='s'");
    let ran = folder.run(&["--sql", &format!("SELECT k, count(*) AS n FROM a GROUP BY k WITH ({other},{STATE})")]);
    assert!(ran.err.contains("state holds the state of another statement"), "{}", ran.err);
}

#[test]
fn outputs_in_files_are_gone_on_with() {
    let folder = Folder::new();
    append(&folder, 0..100);
    let sql = |what: &str, more: &str| {
        format!(
            "SELECT {what} AS n FROM a GROUP BY tumble(at, INTERVAL '10' SECONDS) INTO o WITH ({SOURCE},'a.watermark.max_out_of_orderness'='1s',{STATE},'o.type'='file','o.path'='o.jsonl'{more})"
        )
    };
    let replaced = folder.run(&["--sql", &sql("min(id)", "")]).expect(2);
    assert!(replaced.err.contains("sink 'o' replaces what stands at its path") && replaced.err.contains("add 'o.append' = 'true'"), "{}", replaced.err);
    let mut end = 100;
    for _ in 0..3 {
        let job = folder.start(&["--sql", &sql("min(id)", ",'o.append'='true'")]);
        let wanted = u64::from(end / 10 - 2) * 10;
        let last = || if folder.exists("o.jsonl") { rows(&folder.read("o.jsonl")).last().map_or(0, |row| row["n"].as_u64().unwrap()) } else { 0 };
        // A record waits for the file to be on the disk.
        eventually_or("the windows", || last() >= wanted && !records(&folder).is_empty(), || job.log());
        kill(job);
        append(&folder, end..end + 100);
        end += 100;
    }
    // Another statement is refused before it opens its outputs.
    let before = folder.read("o.jsonl");
    let refused = folder.run(&["--sql", &sql("max(id)", ",'o.append'='true'")]);
    assert!(refused.err.contains("holds the state of another statement"), "{}", refused.err);
    assert_eq!(folder.read("o.jsonl"), before);
    let found: BTreeSet<u64> = rows(&before).iter().map(|row| row["n"].as_u64().unwrap()).collect();
    let expected: BTreeSet<u64> = (0..found.len() as u64).map(|window| window * 10).collect();
    assert_eq!(found, expected, "no window is missing");
}

#[test]
fn jobs_of_a_pipeline_have_one_record_and_others_have_their_own() {
    let folder = Folder::new();
    append(&folder, 0..20);
    let chained = |first: &str, second: &str| {
        format!(
            "CREATE STREAM s AS SELECT id, k, at FROM a WITH ({SOURCE}{first}); CREATE STREAM t AS SELECT k, count(*) AS n FROM s GROUP BY k WITH ('execution.mode'='stream'{second})"
        )
    };
    folder.write("q.sql", chained(",'state.dir'='x'", ",'state.dir'='y'"));
    assert!(folder.run(&["validate", "q.sql"]).expect(2).err.contains("job 't' has another 'state.dir' than a job that it reads"));
    let twice = format!("SELECT id FROM a WITH ({SOURCE},'state.dir'='x'); SELECT k FROM a WITH ({SOURCE},'state.dir'='x')");
    folder.write("q.sql", twice);
    assert!(folder.run(&["validate", "q.sql"]).expect(2).err.contains("'state.dir' = 'x' is that of another job, too"));
    let sql = chained("", &format!(",{STATE}"));
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    eventually_or("all rows", || rows(&job.output()).iter().filter(|row| row["n"] == 4).count() == 5, || job.log());
    kill(job);
    append(&folder, 20..25);
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    eventually_or("all rows", || rows(&job.output()).iter().filter(|row| row["n"] == 5).count() == 5, || job.log());
    assert!(rows(&stop(job)).iter().all(|row| row["n"].as_u64().unwrap() >= 4), "it does not begin anew");
    // Without a folder an interval is of no account.
    let ran = folder.run(&["--sql", "SELECT id FROM a WITH ('a.type'='file','a.path'='a.jsonl','checkpoint.interval'='1s')"]).expect(0);
    assert!(ran.err.contains("'checkpoint.interval' has no effect without 'state.dir'"), "{}", ran.err);
}

#[test]
fn a_job_that_has_come_to_its_end_begins_anew() {
    let folder = Folder::new();
    append(&folder, 0..20);
    let sql = format!("SELECT count(*) AS n FROM a WITH ({},{STATE},'execution.mode'='stream','batch.size'='3')", SOURCE.replace("'a.follow'='true',", ""));
    for _ in 0..2 {
        let ran = folder.run(&["--format", "json", "--sql", &sql]).expect(0);
        assert!(ran.out.ends_with("{\"n\":20}\n"), "{}", ran.out);
        assert_eq!(records(&folder), Vec::<String>::new());
    }
}

#[test]
fn limits_and_branches_without_a_stream_are_not_begun_again() {
    let folder = Folder::new();
    append(&folder, 0..6);
    let sql = format!("SELECT id FROM a LIMIT 10 WITH ({SOURCE},{STATE})");
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    eventually_or("six rows", || rows(&job.output()).len() == 6 && !records(&folder).is_empty(), || job.log());
    std::thread::sleep(Duration::from_millis(300));
    kill(job);
    append(&folder, 6..30);
    let mut job = folder.start(&["--format", "json", "--sql", &sql]);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let ids: Vec<u64> = rows(&job.output()).iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [6, 7, 8, 9]);
    let sql = format!("SELECT id FROM a UNION ALL SELECT column1 AS id FROM (VALUES (77)) WITH ({SOURCE},'state.dir'='other','checkpoint.interval'='0ms')");
    let count = |output: &str| rows(output).iter().filter(|row| row["id"] == 77).count();
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    eventually_or("all rows", || rows(&job.output()).len() == 31, || job.log());
    assert_eq!(count(&stop(job)), 1);
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    append(&folder, 30..31);
    eventually_or("one more", || !rows(&job.output()).is_empty(), || job.log());
    assert_eq!(count(&stop(job)), 0);
}

#[test]
fn a_trial_run_leaves_the_records_alone() {
    let folder = Folder::new();
    append(&folder, 0..20);
    let sql = format!("SELECT k, count(*) AS n FROM a GROUP BY k WITH ({SOURCE},{STATE})");
    let job = folder.start(&["--format", "json", "--sql", &sql]);
    eventually_or("a record", || !records(&folder).is_empty(), || job.log());
    stop(job);
    let before = records(&folder);
    let trial = folder.run(&["--format", "json", "--limit", "3", "--sql", &sql]).expect(0);
    assert_eq!((trial.out.lines().count(), records(&folder)), (3, before), "it begins anew, and keeps nothing");
}
