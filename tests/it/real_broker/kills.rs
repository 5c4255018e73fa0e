//! A job that is killed again and again: every good message is in every sink, and no offset is committed before that.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use velostream::kafka::{BatchProducer, ClientProperties, Outgoing, Payload};

use super::kafka;
use crate::velo::{Folder, eventually_or};

const PARTITIONS: i32 = 4;
/// One message in so many can't be used.
const BAD: u32 = 200;

/// Rows of each partition up to the committed offsets, in one sink.
type Counted = BTreeMap<i64, u64>;

/// What a kill has left.
struct Left {
    committed: BTreeMap<i64, i64>,
    sinks: Vec<(&'static str, Counted)>,
}

fn message(number: u32) -> Vec<u8> {
    let good = format!("{{\"id\":{number},\"pad\":\"some text that makes the message longer\"}}");
    if !number.is_multiple_of(BAD) {
        return good.into_bytes();
    }
    match number / BAD % 10 {
        0 => good.as_bytes()[..good.len() - 3].to_vec(),
        1 => b"{\"id\":\"text\"}".to_vec(),
        2 => b"{\"id\":1,\"pad\":\"\xff\xfe\"}".to_vec(),
        3 => b"null".to_vec(),
        4 => b"[1,2]".to_vec(),
        5 => b"{\"id\":1,\"id\":2}".to_vec(),
        6 => [b"{\"pad\":".as_slice(), &b"[".repeat(1_000)].concat(),
        7 => format!("{good} and more").into_bytes(),
        8 => b"{\"id\":99999999999999999999}".to_vec(),
        _ => b"not json".to_vec(),
    }
}

/// Sends all messages, a part of them every 100 ms.
fn send(servers: &str, count: u32) {
    let mut properties = ClientProperties::default();
    for (name, value) in [("bootstrap.servers", servers), ("partitioner", "murmur2_random"), ("enable.idempotence", "true")] {
        properties.set(name, value);
    }
    let mut producer = BatchProducer::open(&properties, "accounted", "test".to_owned(), Default::default()).unwrap();
    let part = count / 120;
    for (mark, first) in (0..count).step_by(part as usize).enumerate() {
        let numbers = first..(first + part).min(count);
        let mut values = Payload::default();
        for number in numbers.clone() {
            values.bytes.extend_from_slice(&message(number));
            values.ends.push(values.bytes.len());
        }
        let keys = numbers.map(|number| Some(number.to_string().into_bytes())).collect();
        producer.send(mark as u64 + 1, Outgoing { values, keys: Some(keys), timestamps: None, headers: Vec::new() }, None);
        producer.poll(Duration::from_millis(100));
    }
    while !producer.is_idle() {
        producer.poll(Duration::from_millis(10));
    }
    assert!(producer.take_settled().iter().all(|delivery| delivery.undelivered.is_empty()));
}

fn committed(servers: &str, group: &str) -> BTreeMap<i64, i64> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", servers).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range("accounted", 0, PARTITIONS - 1);
    let list = consumer.committed_offsets(list, Duration::from_secs(10)).unwrap();
    list.elements().iter().map(|element| (element.partition().into(), if let Offset::Offset(offset) = element.offset() { offset } else { 0 })).collect()
}

/// The settings by which each sink is read back. Only the text in place may end in the middle of a row.
fn sinks(servers: &str) -> [(&'static str, String); 4] {
    let schema = "'s.schema'='id BIGINT, p BIGINT, o BIGINT'";
    [
        ("k", format!("'s.type'='kafka','s.topic'='accounted_out','s.bootstrap.servers'='{servers}','s.until'='latest',{schema}")),
        ("j", format!("'s.type'='file','s.path'='j.jsonl','s.failure_strategy'='LogAndContinue',{schema}")),
        ("g", format!("'s.type'='file','s.path'='g-*.jsonl.gz',{schema}")),
        ("l", "'s.type'='file','s.path'='l-*.parquet'".to_owned()),
    ]
}

fn rows(folder: &Folder, query: &str, settings: &str) -> Vec<serde_json::Value> {
    let ran = folder.run(&["--quiet", "--format", "json", "--sql", &format!("{query} WITH ({settings})")]);
    // A sink that had nothing to close has no file yet.
    if ran.status == 2 && ran.err.contains("no file matches") {
        return Vec::new();
    }
    ran.expect(0).out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn counted(folder: &Folder, settings: &str, committed: &BTreeMap<i64, i64>) -> Counted {
    let limits: String = committed.iter().map(|(partition, offset)| format!(" WHEN {partition} THEN {offset}")).collect();
    let query = format!("SELECT p, count(DISTINCT o) AS n FROM s WHERE o < CASE p{limits} ELSE 0 END GROUP BY p");
    rows(folder, &query, settings).iter().map(|row| (row["p"].as_i64().unwrap(), row["n"].as_u64().unwrap())).collect()
}

/// Kills a job with four sinks every 1 to 4 seconds while messages come.
#[test]
fn nothing_is_lost_when_a_job_is_killed() {
    let servers = &kafka().plaintext;
    let count = std::env::var("VELO_KILL_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(120_000);
    let folder = Folder::new();
    let create = format!(
        "SELECT 1 AS id FROM x INTO k WITH ('x.type'='file','x.path'='x.jsonl','k.type'='kafka','k.topic'='accounted','k.bootstrap.servers'='{servers}','k.topic.partitions'='{PARTITIONS}')"
    );
    folder.write("x.jsonl", "");
    folder.run(&["--sql", &create, "--set", "x.schema=id BIGINT"]).expect(0);
    let job_sql = format!(
        "CREATE STREAM accounting AS SELECT id, _partition AS p, _offset AS o FROM t INTO k, j, g, l WITH (
         't.type'='kafka','t.topic'='accounted','t.bootstrap.servers'='{servers}','t.schema'='id BIGINT, pad VARCHAR','t.session.timeout.ms'='6000',
         'k.type'='kafka','k.topic'='accounted_out','k.bootstrap.servers'='{servers}','k.topic.partitions'='1',
         'j.type'='file','j.path'='j.jsonl','j.append'='true',
         'g.type'='file','g.path'='g.jsonl.gz','g.append'='true','g.roll.interval'='300ms',
         'l.type'='file','l.path'='l.parquet','l.append'='true','l.roll.interval'='300ms',
         'failure_strategy'='LogAndContinue')"
    );
    folder.write("job.sql", &job_sql);
    let sender = std::thread::spawn({
        let servers = servers.clone();
        move || send(&servers, count)
    });
    let mut random = StdRng::seed_from_u64(5);
    let mut kills = Vec::new();
    while kills.len() < 4 || !sender.is_finished() {
        let mut job = folder.start(&["run", "job.sql"]);
        // A group whose member was killed waits for the end of its session first.
        eventually_or("partitions", || job.log().contains("partitions assigned"), || job.log());
        std::thread::sleep(Duration::from_millis(random.random_range(1_000..4_000)));
        job.signal(libc::SIGKILL);
        job.wait();
        let committed = committed(servers, "velo-streams-accounting");
        let sinks = sinks(servers).map(|(name, settings)| (name, counted(&folder, &settings, &committed)));
        kills.push(Left { committed, sinks: sinks.into() });
    }
    sender.join().unwrap();
    let mut job = folder.start(&["run", "job.sql", "--summary", "json"]);
    let good = u64::from(count - count.div_ceil(BAD));
    let distinct = |settings: &str| {
        rows(&folder, "SELECT count(DISTINCT id) AS d, count(*) AS n FROM s", settings)
            .first()
            .map(|row| (row["d"].as_u64().unwrap(), row["n"].as_u64().unwrap()))
    };
    let read_back = sinks(servers);
    // The text in place may have been complete before the last kill, so it is the offsets that tell when every sink is.
    let all_committed = || committed(servers, "velo-streams-accounting").values().sum::<i64>() == i64::from(count);
    eventually_or("the rest", all_committed, || job.log());
    // It may have been there before this run, which has to hear of its end, too.
    eventually_or("its start", || job.log().contains(" started"), || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    for (name, settings) in &read_back {
        let (ids, all) = distinct(settings).unwrap();
        println!("sink {name}: {ids} ids, {} twice", all - ids);
        assert_eq!(ids, good, "sink {name}");
    }
    // What was committed when it was killed is in every sink, to the last message.
    let source = format!(
        "'s.type'='kafka','s.topic'='accounted','s.bootstrap.servers'='{servers}','s.until'='latest','s.schema'='id BIGINT, pad VARCHAR','failure_strategy'='LogAndContinue'"
    );
    let offsets = rows(&folder, "SELECT id, pad, _partition AS p, _offset AS o FROM s", &source);
    let offsets: Vec<(i64, i64)> = offsets.iter().map(|row| (row["p"].as_i64().unwrap(), row["o"].as_i64().unwrap())).collect();
    let mut checked = 0;
    for (number, left) in kills.iter().enumerate() {
        for (partition, offset) in &left.committed {
            let before = offsets.iter().filter(|(p, o)| p == partition && o < offset).count() as u64;
            checked += before;
            for (name, counted) in &left.sinks {
                assert_eq!(counted.get(partition).copied().unwrap_or(0), before, "kill {number}, sink {name}, partition {partition} committed up to {offset}");
            }
        }
    }
    println!("{} kills; {checked} committed messages looked for", kills.len());
    assert!(checked > 0, "something was committed before a kill");
}
