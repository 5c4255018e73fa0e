//! What the keys of a Kafka sink bring about, seen in the log of the broker.

use std::time::Duration;

use super::segments::batches;
use super::{id_message, kafka, lines, sql, write_ids};
use crate::velo::{Folder, eventually_or};

fn write_one_partition(topic: &str, rows: u32, extra: &str) -> crate::velo::Ran {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..rows).map(|id| format!("{{\"id\":{id},\"pad\":\"{}\"}}\n", "x".repeat(50))).collect::<String>());
    sql(&folder, &format!("SELECT id, pad FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{}{extra})", kafka().sink("k", topic)))
}

#[test]
fn batch_size_limits_the_bytes_of_a_request() {
    let kafka = kafka();
    write_one_partition("size_small", 2_000, ",'k.linger.ms'='500','k.batch.size'='2000'").expect(0);
    write_one_partition("size_large", 2_000, ",'k.linger.ms'='500','k.batch.size'='1000000'").expect(0);
    let (small, large) = (batches(kafka, "size_small"), batches(kafka, "size_large"));
    println!("2,000 messages: {} batches of at most 2,000 bytes, {} of at most 1,000,000", small.len(), large.len());
    assert!(small.len() >= 60 && small.iter().all(|batch| batch.bytes <= 2_100), "{small:?}");
    assert!(large.len() <= 5, "{large:?}");
    for found in [&small, &large] {
        assert_eq!(found.iter().map(|batch| batch.records).sum::<i32>(), 2_000);
    }
}

#[test]
fn linger_makes_messages_wait_for_each_other() {
    let kafka = kafka();
    kafka.create("lingering", 1, &[]);
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM lingers AS SELECT id FROM t INTO now, later, o WITH ({},'t.schema'='id BIGINT',{},'now.linger.ms'='0',{},'later.linger.ms'='3000','o.type'='file','o.path'='o.jsonl')",
        kafka.source("t", "lingering"),
        kafka.sink("now", "linger_now"),
        kafka.sink("later", "linger_later")
    );
    let mut job = folder.start(&["--sql", &text]);
    for id in 0..20 {
        kafka.send("lingering", [id_message(id)]);
        eventually_or("the message", || lines(&folder, "o.jsonl").len() > id as usize, || job.log());
        std::thread::sleep(Duration::from_millis(30));
    }
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let (now, later) = (batches(kafka, "linger_now"), batches(kafka, "linger_later"));
    println!("20 messages one by one: {} batches without linger.ms, {} with 3 s", now.len(), later.len());
    assert!(now.len() >= 12, "{now:?}");
    assert!(later.len() <= 4 && later.iter().map(|batch| batch.records).sum::<i32>() == 20, "{later:?}");
}

#[test]
fn codecs_are_those_that_are_asked_for() {
    for (number, codec) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let topic = format!("codec_{codec}");
        write_one_partition(&topic, 500, &format!(",'k.compression.type'='{codec}'")).expect(0);
        assert!(batches(kafka(), &topic).iter().all(|batch| usize::from(batch.codec) == number), "{codec}");
    }
}

#[test]
fn idempotent_producers_have_a_number() {
    write_one_partition("with_number", 10, "").expect(0);
    assert!(batches(kafka(), "with_number").iter().all(|batch| batch.producer >= 0));
    write_one_partition("without_number", 10, ",'k.enable.idempotence'='false'").expect(0);
    assert!(batches(kafka(), "without_number").iter().all(|batch| batch.producer == -1));
}

#[test]
fn without_acks_nobody_learns_of_a_refusal() {
    kafka().create("small_ones", 1, &[("max.message.bytes", "20")]);
    let rejected = |acks: &str| {
        let extra = format!(",'k.acks'='{acks}','k.enable.idempotence'='false','failure_strategy'='LogAndContinue'");
        write_one_partition("small_ones", 10, &extra).expect(0).job()["sinks"][0]["rejected"].as_u64()
    };
    // Nobody waits for the answer that each of them is too large.
    assert_eq!((rejected("0"), rejected("1"), rejected("all")), (Some(0), Some(10), Some(10)));
    assert_eq!(batches(kafka(), "small_ones"), []);
}

#[test]
fn keys_are_texts_or_objects() {
    let kafka = kafka();
    for (format, key) in [("string", "7"), ("json", "{\\\"id\\\":7}")] {
        let topic = format!("key_{format}");
        write_ids(kafka, &topic, 7..8, &format!(",'k.key.format'='{format}'"));
        let text = format!("SELECT _key FROM t WITH ({},'t.until'='latest')", kafka.source("t", &topic));
        assert_eq!(sql(&Folder::new(), &text).expect(0).out, format!("{{\"_key\":\"{key}\"}}\n"));
    }
}

#[test]
fn topics_are_made_as_a_sink_says() {
    let folder = Folder::new();
    let partitions = |topic: &str, extra: &str| {
        write_one_partition(topic, 10, extra).expect(0);
        (0..8).filter(|partition| kafka().has(topic, *partition)).count()
    };
    assert_eq!((partitions("made_3", ",'k.topic.partitions'='3'"), partitions("made_5", ",'k.topic.partitions'='5','k.topic.replication.factor'='1'")), (3, 5));
    // There is one broker.
    folder.write("a.jsonl", "{\"id\":1}\n");
    let text =
        format!("SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{},'k.topic.replication.factor'='3')", kafka().sink("k", "made_never"));
    let ran = sql(&folder, &text);
    assert!(ran.status != 0 && ran.err.contains("topic 'made_never' can't be created") && ran.err.to_lowercase().contains("replication factor"), "{}", ran.err);
}
