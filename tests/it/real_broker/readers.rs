//! Several readers of one topic: each gets all of it.

use std::io::BufRead;
use std::process::Stdio;
use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer};

use super::{WAIT, kafka, lines, sql, write_ids};
use crate::velo::{Folder, eventually_or};

#[test]
fn two_statements_over_one_topic_get_all_of_it_each() {
    let kafka = kafka();
    write_ids(kafka, "read_twice", 0..1_000, "");
    let folder = Folder::new();
    let source = kafka.source("t", "read_twice");
    let statement = |job: &str, condition: &str| {
        format!(
            "CREATE STREAM {job} AS SELECT id FROM t WHERE {condition} INTO {job}_out WITH ({source},'t.schema'='id BIGINT','{job}_out.type'='file','{job}_out.path'='{job}.jsonl')"
        )
    };
    folder.write("both.sql", format!("{};\n{};\n", statement("even", "id % 2 = 0"), statement("odd", "id % 2 = 1")));
    let mut job = folder.start(&["run", "both.sql"]);
    let both = || (lines(&folder, "even.jsonl").len(), lines(&folder, "odd.jsonl").len());
    eventually_or("all ids", || both() == (500, 500), || format!("{:?}\n{}", both(), job.log()));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    // As SELECTs to their ends, again and again.
    let bounded = format!("{source},'t.until'='latest','t.schema'='id BIGINT'");
    let count = format!("SELECT count(*) AS n FROM t WITH ({bounded})");
    for _ in 0..2 {
        assert_eq!(sql(&folder, &format!("{count};{count}")).expect(0).out, "{\"n\":1000}\n{\"n\":1000}\n");
    }
}

#[test]
fn one_topic_twice_in_a_statement() {
    let kafka = kafka();
    write_ids(kafka, "twice_in_one", 0..1_000, "");
    let folder = Folder::new();
    folder.write("names.csv", (0..100).map(|id| format!("{id},n{id}\n")).fold("id,name\n".to_owned(), |all, line| all + &line));
    let table = "'names.type'='file','names.path'='names.csv'";
    let bounded = |name: &str| format!("{},'{name}.until'='latest','{name}.schema'='id BIGINT'", kafka.source(name, "twice_in_one"));
    let union = format!("SELECT count(*) AS n, count(DISTINCT id) AS d FROM (SELECT id FROM t UNION ALL SELECT id FROM t) u WITH ({})", bounded("t"));
    assert_eq!(sql(&folder, &union).expect(0).out, "{\"n\":2000,\"d\":1000}\n");
    // With itself, and a table between.
    let joined = format!(
        "SELECT count(*) AS n, count(DISTINCT l.id) AS l, count(DISTINCT r.id) AS r FROM l JOIN names n ON l.id = n.id JOIN r ON n.id = r.id % 100 WITH ({},{},{table})",
        bounded("l"),
        bounded("r")
    );
    assert_eq!(sql(&folder, &joined).expect(0).out, "{\"n\":1000,\"l\":100,\"r\":1000}\n");
    let itself = format!("SELECT count(*) AS n FROM t a JOIN names n ON a.id = n.id JOIN t b ON n.id = b.id WITH ({},{table})", bounded("t"));
    assert_eq!(sql(&folder, &itself).expect(0).out, "{\"n\":100}\n");
    // A stream, joined with what the topic held when it began.
    let text = format!(
        "CREATE STREAM with_itself AS SELECT l.id, n.name, r.id AS other FROM l JOIN names n ON l.id % 100 = n.id JOIN r ON l.id = r.id INTO o
         WITH ({},'l.schema'='id BIGINT',{},{table},'o.type'='file','o.path'='o.jsonl')",
        kafka.source("l", "twice_in_one"),
        bounded("r")
    );
    let mut job = folder.start(&["--sql", &text]);
    eventually_or("all rows", || lines(&folder, "o.jsonl").len() >= 1_000, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(&folder, "o.jsonl").len(), 1_000);
}

#[test]
fn what_comes_while_nobody_takes_rows_is_not_skipped() {
    let kafka = kafka();
    kafka.create("stalled", 2, &[]);
    let producer = kafka.producer(&[]);
    let send = |partition: i32, ids: std::ops::Range<u32>, length: usize| {
        for id in ids {
            let value = format!("{{\"id\":{id},\"pad\":\"{}\"}}", "x".repeat(length));
            producer.send(BaseRecord::<'_, (), _>::to("stalled").partition(partition).payload(&value)).map_err(|(error, _)| error).unwrap();
            producer.poll(Duration::ZERO);
        }
        producer.flush(WAIT).unwrap();
    };
    send(1, 0..1, 1);
    let folder = Folder::new();
    let text = format!("SELECT id, pad FROM t WITH ({},'t.schema'='id BIGINT, pad VARCHAR')", kafka.source("t", "stalled"));
    let mut job =
        folder.command(&["--quiet", "--format", "json", "--sql", &text]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut rows = std::io::BufReader::new(job.stdout.take().unwrap()).lines();
    assert!(rows.next().unwrap().unwrap().starts_with("{\"id\":0,"), "the end of its partition is reached");
    std::thread::sleep(Duration::from_millis(500));
    // More than all queues hold: fetching is paused.
    send(0, 1..60_001, 2_000);
    std::thread::sleep(Duration::from_secs(4));
    send(1, 60_001..60_002, 1);
    std::thread::sleep(Duration::from_secs(1));
    // Taken again, it must come with the others.
    let (found, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || rows.map_while(Result::ok).for_each(|row| drop(found.send(row))));
    let mut ids = std::collections::BTreeSet::new();
    while ids.len() < 60_001 {
        let Ok(row) = seen.recv_timeout(Duration::from_secs(20)) else { break };
        ids.insert(serde_json::from_str::<serde_json::Value>(&row).unwrap()["id"].as_u64().unwrap());
    }
    job.kill().unwrap();
    job.wait().unwrap();
    assert!(ids.contains(&60_001), "the message that came during the pause is lost; {} came", ids.len());
    assert_eq!(ids.len(), 60_001);
}
