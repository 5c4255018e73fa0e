//! What the keys of a Kafka source bring about.

use std::time::{Duration, Instant};

use super::{id_message, kafka, lines, send_one, sql};
use crate::velo::{Folder, Started, eventually_or};

/// Starts a job that copies ids of a topic to `o.jsonl`.
fn copy(folder: &Folder, job: &str, topic: &str, extra: &str) -> Started {
    let text = format!(
        "CREATE STREAM {job} AS SELECT id FROM t INTO o WITH ({},'t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl'{extra})",
        kafka().source("t", topic)
    );
    folder.start(&["--sql", &text])
}

fn end(mut job: Started) {
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
}

fn ids(folder: &Folder) -> Vec<u32> {
    let id = |line: String| line.trim_start_matches("{\"id\":").trim_end_matches('}').parse().unwrap();
    let mut ids: Vec<u32> = lines(folder, "o.jsonl").into_iter().map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn max_poll_records_limits_what_is_taken_at_once() {
    kafka().create("polled", 1, &[]);
    kafka().send_ids("polled", 0..100);
    let batches = |extra: &str| {
        let folder = Folder::new();
        let text = format!(
            "SELECT id FROM t INTO o WITH ({},'t.until'='latest','t.schema'='id BIGINT','execution.mode'='stream','o.type'='file','o.path'='o/{{batch_id}}.jsonl'{extra})",
            kafka().source("t", "polled")
        );
        sql(&folder, &text).expect(0);
        folder.list("o").iter().map(|file| folder.read(file).lines().count()).collect::<Vec<_>>()
    };
    let (limited, free) = (batches(",'t.max.poll.records'='7'"), batches(""));
    println!("100 messages: batches of {limited:?} with max.poll.records = 7, of {free:?} without");
    assert!(limited.iter().all(|rows| *rows <= 7) && limited.iter().sum::<usize>() == 100, "{limited:?}");
    assert!(free.iter().any(|rows| *rows > 7), "{free:?}");
}

#[test]
fn a_dead_member_is_missed_after_session_timeout() {
    kafka().create("sessions", 2, &[]);
    let (first_folder, second_folder) = (Folder::new(), Folder::new());
    let session = ",'t.session.timeout.ms'='6000','t.group.id'='sessions'";
    let mut first = copy(&first_folder, "session_1", "sessions", session);
    eventually_or("the first member", || first.log().contains("2 partitions assigned"), || first.log());
    let second = copy(&second_folder, "session_2", "sessions", session);
    eventually_or("the second member", || second.log().contains("1 partitions assigned"), || second.log());
    first.signal(libc::SIGKILL);
    let killed = Instant::now();
    first.wait();
    kafka().send_ids("sessions", 0..100);
    eventually_or("what the dead one had", || ids(&second_folder).len() == 100, || second.log());
    println!("session.timeout.ms = 6000: taken over after {:?}", killed.elapsed());
    // The default is 45 s; the last sign of life may be 3 s old.
    assert!((Duration::from_millis(2_500)..Duration::from_secs(15)).contains(&killed.elapsed()), "{:?}", killed.elapsed());
    end(second);
}

/// The longest of some single messages' ways through a job.
fn latency(number: u32, extra: &str) -> Duration {
    let topic = format!("waits_{number}");
    kafka().create(&topic, 1, &[]);
    let folder = Folder::new();
    let job = copy(&folder, &topic, &topic, extra);
    let producer = kafka().producer(&[("linger.ms", "0")]);
    let mut longest = Duration::ZERO;
    for id in 0..6 {
        let sent = Instant::now();
        send_one(&producer, &topic, id_message(id));
        eventually_or("the message", || ids(&folder).len() > id as usize, || job.log());
        // The first one waits for the group, too.
        longest = longest.max(if id == 0 { Duration::ZERO } else { sent.elapsed() });
        std::thread::sleep(Duration::from_millis(170));
    }
    end(job);
    longest
}

#[test]
fn a_fetch_waits_for_bytes_and_no_longer_than_it_may() {
    let at_once = latency(1, ",'t.fetch.min.bytes'='1','t.fetch.max.wait.ms'='2000'");
    let long = latency(2, ",'t.fetch.min.bytes'='1000000','t.fetch.max.wait.ms'='2000'");
    let short = latency(3, ",'t.fetch.min.bytes'='1000000','t.fetch.max.wait.ms'='150'");
    println!("longest of 5: {at_once:?} for 1 byte, {long:?} for 1,000,000 within 2,000 ms, {short:?} within 150 ms");
    assert!(at_once < Duration::from_millis(900), "{at_once:?}");
    assert!((Duration::from_millis(1_000)..Duration::from_millis(3_500)).contains(&long), "{long:?}");
    assert!(short < Duration::from_millis(900), "{short:?}");
}

#[test]
fn groups_without_offsets_begin_where_they_are_told() {
    kafka().create("resets", 1, &[]);
    kafka().send_ids("resets", 0..10);
    let (all, new) = (Folder::new(), Folder::new());
    let earliest = copy(&all, "earliest", "resets", ",'t.auto.offset.reset'='earliest'");
    let latest = copy(&new, "latest", "resets", ",'t.auto.offset.reset'='latest'");
    eventually_or("the old messages", || ids(&all).len() == 10, || earliest.log());
    eventually_or("partitions", || latest.log().contains("1 partitions assigned"), || latest.log());
    // It asks for the end after that.
    std::thread::sleep(Duration::from_secs(2));
    kafka().send_ids("resets", 10..20);
    eventually_or("the new messages", || ids(&all).len() == 20 && ids(&new).contains(&19), || latest.log());
    assert_eq!((ids(&all), ids(&new)), ((0..20).collect(), (10..20).collect()));
    end(earliest);
    end(latest);
}

#[test]
fn a_group_goes_on_under_its_name_whoever_reads() {
    kafka().create("grouped", 1, &[]);
    kafka().send_ids("grouped", 0..20);
    let (one, other) = (Folder::new(), Folder::new());
    let job = copy(&one, "group_of_one", "grouped", ",'t.group.id'='own name'");
    eventually_or("all", || ids(&one).len() == 20, || job.log());
    end(job);
    assert_eq!(kafka().committed("own name", "grouped", 1), [20]);
    assert_eq!(kafka().committed("velo-streams-group_of_one", "grouped", 1), [-1]);
    kafka().send_ids("grouped", 20..30);
    let job = copy(&other, "group_of_another", "grouped", ",'t.group.id'='own name'");
    eventually_or("the new ones", || ids(&other).len() >= 10, || job.log());
    end(job);
    assert_eq!(ids(&other), (20..30).collect::<Vec<_>>());
}
