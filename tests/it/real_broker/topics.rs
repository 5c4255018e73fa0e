//! Topics with gaps, with many partitions, with large messages.

use std::time::{Duration, Instant};

use rdkafka::producer::Producer;

use super::{WAIT, id_message, kafka, lines, send_with, sql};
use crate::velo::{Folder, eventually_or};

/// Ids and offsets of a topic, read to its end.
fn read(topic: &str, mode: &str) -> Vec<(u64, i64)> {
    let text =
        format!("SELECT id, _offset AS o FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT','execution.mode'='{mode}')", kafka().source("t", topic));
    let began = Instant::now();
    let ran = sql(&Folder::new(), &text).expect(0);
    assert!(began.elapsed() < Duration::from_secs(10), "{mode} took {:?}", began.elapsed());
    let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    ran.out.lines().map(row).map(|row| (row["id"].as_u64().unwrap(), row["o"].as_i64().unwrap())).collect()
}

#[test]
fn a_compacted_topic_is_read_to_its_end_and_waits_for_nothing() {
    let kafka = kafka();
    let settings = [("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.0001"), ("delete.retention.ms", "0")];
    kafka.create("compacted", 1, &settings);
    let pause = || std::thread::sleep(Duration::from_millis(300));
    for _ in 0..6 {
        kafka.send("compacted", (0..200).map(|number| id_message(number % 50)));
        pause();
    }
    let transactional = kafka.producer(&[("transactional.id", "compacting")]);
    transactional.init_transactions(WAIT).unwrap();
    // The last records are deleted keys, then messages of a transaction that was given up: the end is behind offsets that nobody ever sees.
    transactional.begin_transaction().unwrap();
    send_with(&transactional, "compacted", (0..10u32).map(|id| (Some(id.to_string()), None)));
    transactional.commit_transaction(WAIT).unwrap();
    pause();
    transactional.begin_transaction().unwrap();
    send_with(&transactional, "compacted", (0..5).map(id_message));
    transactional.abort_transaction(WAIT).unwrap();
    let end = 1_200 + 10 + 1 + 5 + 1;
    eventually_or("the end of the transaction", || kafka.end("compacted", 0) == end, || kafka.end("compacted", 0).to_string());
    eventually_or("compaction", || read("compacted", "stream").len() == 40, || format!("{} rows", read("compacted", "stream").len()));
    for mode in ["batch", "stream"] {
        let mut rows = read("compacted", mode);
        assert!(rows.iter().all(|(_, offset)| *offset < 1_200) && rows[0].1 > 900, "{mode}: {rows:?}");
        rows.sort_unstable();
        assert_eq!(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (10..50).collect::<Vec<_>>(), "{mode}");
    }
    // The group comes to the end, too: nothing waits, and nothing is read again.
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM compacts AS SELECT id FROM t INTO o WITH ({},'t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl','o.append'='true')",
        kafka.source("t", "compacted")
    );
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    let committed = || kafka.committed("velo-streams-compacts", "compacted", 1)[0];
    eventually_or("all is committed", || lines(&folder, "o.jsonl").len() >= 40 && committed() == end, || format!("{} of {end}\n{}", committed(), job.log()));
    std::thread::sleep(Duration::from_millis(1_500));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let summary = job.log();
    let summary: serde_json::Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    assert_eq!(summary["jobs"][0]["sources"][0]["lag"], serde_json::json!({"compacted:0": 0}));
    assert_eq!((lines(&folder, "o.jsonl").len(), committed()), (40, end));
}

#[test]
fn empty_partitions_are_not_waited_for() {
    let kafka = kafka();
    kafka.create("sparse", 64, &[]);
    // Four keys: at most four partitions have messages.
    let messages = |ids: std::ops::Range<u32>| ids.map(|id| (Some(format!("k{}", id % 4)), id_message(id).1));
    kafka.send("sparse", messages(0..2_000));
    let began = Instant::now();
    for mode in ["batch", "stream"] {
        let text = format!(
            "SELECT count(*) AS n, count(DISTINCT _partition) AS p, count(DISTINCT id) AS d FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT','execution.mode'='{mode}')",
            kafka.source("t", "sparse")
        );
        let text = if mode == "stream" {
            text.replace("count(*) AS n, count(DISTINCT _partition) AS p, count(DISTINCT id) AS d", "id, _partition AS p")
        } else {
            text
        };
        let out = sql(&Folder::new(), &text).expect(0).out;
        match mode {
            "batch" => assert_eq!(out, "{\"n\":2000,\"p\":4,\"d\":2000}\n"),
            _ => assert_eq!(out.lines().count(), 2_000),
        }
    }
    println!("64 partitions to their end, twice: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM sparsely AS SELECT id FROM t INTO o WITH ({},'t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl')",
        kafka.source("t", "sparse")
    );
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    eventually_or("the messages that are there", || lines(&folder, "o.jsonl").len() >= 2_000, || job.log());
    kafka.send("sparse", messages(2_000..2_400));
    eventually_or("the new ones", || lines(&folder, "o.jsonl").len() >= 2_400, || job.log());
    std::thread::sleep(Duration::from_millis(1_500));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let summary: serde_json::Value = serde_json::from_str(job.log().lines().last().unwrap()).unwrap();
    let expected: serde_json::Map<String, serde_json::Value> = (0..64).map(|partition| (format!("sparse:{partition}"), 0.into())).collect();
    assert_eq!(summary["jobs"][0]["sources"][0]["lag"], serde_json::Value::Object(expected));
    assert_eq!(lines(&folder, "o.jsonl").len(), 2_400);
}

#[test]
fn messages_near_the_limit_pass_and_larger_ones_are_refused_alone() {
    let kafka = kafka();
    let folder = Folder::new();
    let text = |id: u32, length: usize| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "x".repeat(length));
    folder.write("a.jsonl", [text(1, 5), text(2, 999_000), text(3, 1_500_000), text(4, 5)].concat());
    let write = |topic: &str, extra: &str| {
        let text = format!("SELECT id, pad FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{}{extra})", kafka.sink("k", topic));
        sql(&folder, &text)
    };
    let ids = |topic: &str| {
        let text = format!(
            "SELECT id, length(pad) AS l FROM t ORDER BY id WITH ({},'t.until'='latest','t.schema'='id BIGINT, pad VARCHAR')",
            kafka.source("t", topic)
        );
        sql(&folder, &text).expect(0).out
    };
    // Refused by the client, and, where that lets it pass, by the broker.
    for (topic, extra, cause) in [("large", "", "Message size too large"), ("larger", ",'k.message.max.bytes'='4000000'", "Message size too large")] {
        let ran = write(topic, &format!("{extra},'failure_strategy'='LogAndContinue'")).expect(0);
        let job = ran.job();
        assert_eq!((&job["sinks"][0]["rejected"], &job["sinks"][0]["rows"]), (&1.into(), &3.into()), "{job}");
        assert!(ran.err.contains(cause), "{}", ran.err);
        assert_eq!(ids(topic), "{\"id\":1,\"l\":5}\n{\"id\":2,\"l\":999000}\n{\"id\":4,\"l\":5}\n", "{topic}");
        let ran = write(&format!("{topic}_whole"), &format!("{extra},'failure_strategy'='FailBatch'")).expect(1);
        assert!(ran.err.lines().any(|line| line.starts_with("Error: ") && line.contains("'k'") && line.contains(cause)), "{}", ran.err);
        assert_ne!(ran.job()["error"], serde_json::Value::Null);
    }
}
