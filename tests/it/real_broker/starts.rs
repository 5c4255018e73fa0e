//! Where a group begins and goes on, and what is told when messages are gone.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};

use super::{Kafka, kafka, lines};
use crate::velo::{Folder, eventually_or};

fn job(kafka: &Kafka, name: &str, topic: &str, out: &str, extra: &str) -> String {
    format!(
        "CREATE STREAM {name} AS SELECT id FROM t INTO o WITH ({},'t.schema'='id BIGINT','o.type'='file','o.path'='{out}','o.append'='true'{extra})",
        kafka.source("t", topic)
    )
}

#[test]
fn a_start_moves_the_group_once_whoever_reads_a_partition() {
    let (kafka, folder) = (kafka(), Folder::new());
    kafka.create("started", 4, &[]);
    kafka.send_ids("started", 0..1_000);
    let text = |out: &str| job(kafka, "starting", "started", folder.path().join(out).to_str().unwrap(), ",'t.start'='latest'");
    let first = folder.start(&["--sql", &text("1.jsonl")]);
    eventually_or("partitions", || first.log().contains("4 partitions assigned"), || first.log());
    kafka.send_ids("started", 1_000..2_000);
    eventually_or("the new ones", || lines(&folder, "1.jsonl").len() == 1_000, || first.log());
    // Until they are committed.
    std::thread::sleep(Duration::from_millis(1_500));
    let second_folder = Folder::new();
    let mut second = second_folder.start(&["--sql", &text("2.jsonl")]);
    // The members of a group that runs are not moved.
    eventually_or("the second instance's partitions", || second.log().contains("2 partitions assigned"), || second.log());
    assert!(second.log().contains("group 'velo-streams-starting' has members"), "{}", second.log());
    kafka.send_ids("started", 2_000..3_000);
    let ids = || -> BTreeSet<String> { ["1.jsonl", "2.jsonl"].iter().flat_map(|name| lines(&folder, name)).collect() };
    eventually_or("all that came since", || ids().len() >= 2_000, || second.log());
    std::thread::sleep(Duration::from_millis(1_500));
    second.signal(libc::SIGTERM);
    assert_eq!(second.wait(), 0, "{}", second.log());
    kafka.send_ids("started", 3_000..4_000);
    eventually_or("all, by the first one", || ids().len() >= 3_000, || first.log());
    assert!(ids().iter().all(|line| !["{\"id\":0}", "{\"id\":999}"].contains(&line.as_str())), "what was there before is left out");
    assert_eq!(lines(&folder, "1.jsonl").len() + lines(&folder, "2.jsonl").len(), 3_000, "partitions that come and go are read on, not anew");
    // Started again without members, it goes back.
    drop(first);
    let folder = Folder::new();
    let again = job(kafka, "starting_again", "started", "o.jsonl", ",'t.start'='0:5,1:5,2:5,3:5'");
    for round in 1..=2 {
        let mut running = folder.start(&["--sql", &again]);
        eventually_or("the rest", || lines(&folder, "o.jsonl").len() >= round * 3_980, || running.log());
        running.signal(libc::SIGTERM);
        assert_eq!(running.wait(), 0, "{}", running.log());
    }
    assert_eq!(lines(&folder, "o.jsonl").len(), 2 * 3_980);
}

#[test]
fn messages_that_the_broker_removed_unread_are_told() {
    let (kafka, folder) = (kafka(), Folder::new());
    kafka.create("kept", 1, &[]);
    kafka.send_ids("kept", 0..20);
    let text = job(kafka, "keeping", "kept", "o.jsonl", "");
    let mut running = folder.start(&["--sql", &text]);
    eventually_or("the first ones", || lines(&folder, "o.jsonl").len() == 20, || running.log());
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait(), 0, "{}", running.log());
    kafka.send_ids("kept", 20..60);
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("kept", 0, Offset::Offset(40)).unwrap();
    futures::executor::block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
    let mut running = folder.start(&["--sql", &text, "--summary", "json"]);
    eventually_or("the rest", || lines(&folder, "o.jsonl").len() == 40, || running.log());
    let told = "kept:0: up to 20 messages are lost, offsets 20 to 39: the broker removed them before they were read";
    assert!(running.log().contains(told), "{}", running.log());
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait(), 0, "{}", running.log());
}

#[test]
fn statements_of_one_script_with_one_group_get_everything_each() {
    let (kafka, folder) = (kafka(), Folder::new());
    kafka.create("both", 3, &[]);
    kafka.send_ids("both", 0..900);
    let script =
        format!("{};\n{};", job(kafka, "one", "both", "1.jsonl", ",'t.group.id'='mine'"), job(kafka, "two", "^bot[h]", "2.jsonl", ",'t.group.id'='mine'"));
    let mut running = folder.start(&["--sql", &script]);
    eventually_or("all, twice", || ["1.jsonl", "2.jsonl"].iter().all(|name| lines(&folder, name).len() == 900), || running.log());
    assert!(running.log().contains("reads the topic in group 'mine'; this one's is 'mine-two-t'"), "{}", running.log());
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait(), 0, "{}", running.log());
}

#[test]
fn topics_of_a_pattern_come_and_go() {
    let (kafka, folder) = (kafka(), Folder::new());
    let text = job(kafka, "patterns", "^coming-.*", "o.jsonl", ",'t.topic.metadata.refresh.interval.ms'='500'");
    let mut running = folder.start(&["--sql", &text]);
    std::thread::sleep(Duration::from_secs(2));
    for (number, topic) in ["coming-a", "coming-b"].iter().enumerate() {
        kafka.create(topic, 1, &[]);
        kafka.send_ids(topic, 0..10);
        eventually_or("the topic's rows", || lines(&folder, "o.jsonl").len() == 10 * (number + 1), || running.log());
    }
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    futures::executor::block_on(admin.delete_topics(&["coming-a"], &AdminOptions::new())).unwrap();
    kafka.send_ids("coming-b", 10..20);
    eventually_or("the rows of the other topic", || lines(&folder, "o.jsonl").len() == 30, || running.log());
    kafka.create("coming-c", 1, &[]);
    kafka.send_ids("coming-c", 0..10);
    eventually_or("the rows of a third one", || lines(&folder, "o.jsonl").len() == 40, || running.log());
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait(), 0, "{}", running.log());
}
