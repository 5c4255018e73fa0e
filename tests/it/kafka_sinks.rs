//! What becomes of rows when a Kafka sink is refused something, or its brokers are away.

use std::time::{Duration, Instant};

use arrow::array::BinaryViewArray;
use arrow::buffer::OffsetBuffer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use velostream::kafka::{BatchProducer, ClientProperties, EmbeddedBroker, HeaderColumn, Outgoing, Payload};

use crate::velo::{Folder, Ran, Started, eventually_or};

// Codes of the protocol.
const MESSAGE_TOO_LARGE: i32 = 10;
const INVALID_REQUEST: i32 = 42;
const INVALID_RECORD: i32 = 87;

const IDS: &str = "'a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT'";

fn write_ids(folder: &Folder, ids: std::ops::Range<u32>) {
    folder.write("a.jsonl", ids.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
}

fn append_ids(folder: &Folder, ids: std::ops::Range<u32>) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap();
    file.write_all(ids.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>().as_bytes()).unwrap();
}

fn sink(broker: &EmbeddedBroker) -> String {
    format!("'k.type'='kafka_sink','k.topic'='out','k.bootstrap.servers'='{}'", broker.brokers())
}

fn broker() -> EmbeddedBroker {
    let broker = EmbeddedBroker::start(1).unwrap();
    broker.create_topic("out", 1).unwrap();
    broker
}

/// The ids in the topic.
fn stored(broker: &EmbeddedBroker) -> Vec<u32> {
    let text = format!(
        "SELECT id FROM t WITH ('t.type'='kafka','t.topic'='out','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT')",
        broker.brokers()
    );
    let ran = Folder::new().run(&["--format", "csv", "--sql", &text]).expect(0);
    let mut ids: Vec<u32> = ran.out.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn counts(sink: &serde_json::Value) -> (u64, u64, u64) {
    let count = |name: &str| sink[name].as_u64().unwrap();
    (count("rows"), count("rejected"), count("lost"))
}

/// The sinks in the summary of a job that has ended.
fn sinks(job: &Started) -> Vec<serde_json::Value> {
    let ran = Ran { status: 0, out: String::new(), err: job.log() };
    ran.job()["sinks"].as_array().unwrap().clone()
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_broker_without_the_rows() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    broker.refuse_next(&[INVALID_RECORD]);
    let ran = folder.sql(&format!(
        "SELECT id, 'hunter2-sentinel' AS x FROM a INTO k WITH ({IDS},{},'failure_strategy'='LogAndContinue','k.linger.ms'='200')",
        sink(&broker)
    ));
    assert!(ran.err.contains("the broker refuses it: Broker failed to validate record"), "{}", ran.err);
    assert!(!ran.err.contains("hunter2-sentinel"), "{}", ran.err);
    assert_eq!(counts(&ran.job()["sinks"][0]), (0, 100, 0), "{}", ran.err);
}

#[test]
fn a_request_that_is_too_large_is_made_smaller() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..200);
    broker.refuse_next(&[MESSAGE_TOO_LARGE, MESSAGE_TOO_LARGE, MESSAGE_TOO_LARGE]);
    for strategy in ["FailBatch", "LogAndContinue"] {
        let ran = folder.sql(&format!("SELECT id FROM a INTO k WITH ({IDS},{},'failure_strategy'='{strategy}')", sink(&broker))).expect(0);
        assert_eq!(counts(&ran.job()["sinks"][0]), (200, 0, 0), "{}", ran.err);
    }
    assert_eq!(stored(&broker).len(), 400);
}

#[test]
fn a_message_that_the_client_does_not_take_is_counted_once() {
    let (folder, broker) = (Folder::new(), broker());
    folder.write("a.jsonl", format!("{{\"id\":1,\"x\":\"{}\"}}\n", "x".repeat(1_500_000)));
    let text = |strategy: &str| {
        format!(
            "SELECT id, x FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, x VARCHAR',{},'failure_strategy'='{strategy}')",
            sink(&broker)
        )
    };
    for (strategy, status) in [("RetryWithBackoff", 1), ("LogAndContinue", 0)] {
        let ran = folder.sql(&text(strategy)).expect(status);
        assert_eq!(counts(&ran.job()["sinks"][0]), (0, 1, 0), "{}", ran.err);
        assert!(ran.err.contains("the client refuses it: Message size too large; raise 'message.max.bytes' of the sink"), "{}", ran.err);
    }
}

#[test]
fn messages_are_sent_again_after_growing_waits_as_often_as_the_strategy_says() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = |strategy: &str| {
        format!("SELECT id FROM a INTO k WITH ({IDS},{},'failure_strategy'='{strategy}','max_retries'='2','retry_backoff'='300ms')", sink(&broker))
    };
    broker.refuse_next(&[INVALID_REQUEST; 2]);
    let began = Instant::now();
    let ran = folder.sql(&text("RetryWithBackoff")).expect(0);
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!((counts(&ran.job()["sinks"][0]), ran.job()["sinks"][0]["retries"].as_u64()), ((100, 0, 0), Some(2)), "{}", ran.err);
    assert!(ran.err.contains("try 2 of 2 in 600 ms"), "{}", ran.err);
    assert_eq!(stored(&broker).len(), 100);
    for (strategy, requests) in [("RetryWithBackoff", 3), ("FailBatch", 1), ("LogAndContinue", 1)] {
        broker.refuse_next(&vec![INVALID_REQUEST; requests]);
        let ran = folder.sql(&text(strategy)).expect(1);
        assert_eq!(counts(&ran.job()["sinks"][0]), (0, 0, 100), "{strategy}: {}", ran.err);
        assert!(ran.err.contains("messages were not delivered: "), "{}", ran.err);
        assert_eq!(stored(&broker).len(), 100, "{strategy}");
    }
}

#[test]
fn brokers_that_are_away_are_waited_for_and_nothing_is_lost() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = format!(
        "SELECT id FROM a INTO k WITH ({IDS},'a.follow'='true',{},'k.queue.buffering.max.messages'='50','k.message.timeout.ms'='1500','k.connect.timeout'='300ms')",
        sink(&broker)
    );
    let mut job = folder.start(&["--summary", "json", "--sql", &text]);
    eventually_or("the first rows", || stored(&broker).len() == 100, || job.log());
    broker.set_down(true);
    append_ids(&folder, 100..400);
    eventually_or("the loss is noticed", || job.log().contains("status Reconnecting"), || job.log());
    // Longer than the client keeps messages.
    std::thread::sleep(Duration::from_secs(4));
    broker.set_down(false);
    eventually_or("status Connected", || job.log().contains("status Connected"), || job.log());
    eventually_or("the rest", || stored(&broker).len() >= 400, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(job.log().lines().count() < 20, "{}", job.log());
    let sink = &sinks(&job)[0];
    assert_eq!((counts(sink), sink["state"].as_str()), ((400, 0, 0), Some("Connected")), "{}", job.log());
    let error = sink["last_error"].as_str().unwrap();
    assert!((error.contains("onnect") || error.contains("not delivered")) && sink["last_error_at"].is_string() && sink["since"].is_string(), "{sink}");
    let mut ids = stored(&broker);
    ids.dedup();
    assert_eq!(ids, (0..400).collect::<Vec<_>>());
}

#[test]
fn rows_that_nobody_has_are_lost_when_the_time_to_finish_is_over() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = format!(
        "SELECT id FROM a INTO k WITH ({IDS},'a.follow'='true',{},'k.queue.buffering.max.messages'='50','shutdown.timeout'='1s','batch.strategy'='fixed_size','batch.size'='100')",
        sink(&broker)
    );
    let mut job = folder.start(&["--summary", "json", "--sql", &text]);
    eventually_or("the first rows", || stored(&broker).len() == 100, || job.log());
    broker.set_down(true);
    append_ids(&folder, 100..2_000);
    eventually_or("the loss is noticed", || job.log().contains("status Reconnecting"), || job.log());
    let asked = Instant::now();
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1, "{}", job.log());
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert!(job.log().contains("not drained within 1 s"), "{}", job.log());
    let ran = Ran { status: 1, out: String::new(), err: job.log() };
    let (rows, rejected, lost) = counts(&sinks(&job)[0]);
    assert_eq!((rows, rejected, rows + lost), (100, 0, ran.job()["out"].as_u64().unwrap()), "{}", job.log());
    broker.set_down(false);
    assert_eq!(stored(&broker).len(), 100);
}

#[test]
fn a_dead_sink_lets_the_others_go_on_and_its_rows_are_counted() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = |sinks: &str, more: &str| {
        format!(
            "SELECT id FROM a INTO {sinks} WITH ({IDS},'a.follow'='true','failure_strategy'='LogAndContinue',{},'k.queue.buffering.max.messages'='50','k.connect.timeout'='1s',
             'batch.strategy'='fixed_size','batch.size'='100','batch.timeout'='100ms'{more})",
            sink(&broker)
        )
    };
    let mut job = folder.start(&["--summary", "json", "--sql", &text("k, f", ",'f.type'='file','f.path'='f.jsonl'")]);
    eventually_or("the first rows", || stored(&broker).len() == 100, || job.log());
    broker.set_down(true);
    append_ids(&folder, 100..2_000);
    let lines = || if folder.exists("f.jsonl") { folder.read("f.jsonl").lines().count() } else { 0 };
    eventually_or("the other sink has all", || lines() == 2_000, || job.log());
    let asked = Instant::now();
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1, "{}", job.log());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    let ended = sinks(&job);
    assert_eq!((counts(&ended[0]), counts(&ended[1])), ((100, 0, 1_900), (2_000, 0, 0)), "{}", job.log());
    assert_eq!((ended[0]["state"].as_str(), ended[1]["state"].as_str()), (Some("Failed"), Some("Connected")), "{}", job.log());
    assert!(job.log().contains("no broker has answered for 1 s"), "{}", job.log());
    broker.set_down(false);
    assert_eq!(stored(&broker).len(), 100);

    // Alone, its rows go to standard output.
    let mut job = folder.start(&["--summary", "json", "--format", "csv", "--sql", &text("k", "")]);
    eventually_or("all rows", || stored(&broker).len() == 2_100, || job.log());
    broker.set_down(true);
    append_ids(&folder, 2_000..4_000);
    eventually_or("the end of its patience", || job.log().contains("no broker has answered for 1 s"), || job.log());
    // What waits for the sink is lost with it; what comes then is printed.
    append_ids(&folder, 4_000..4_200);
    eventually_or("standard output", || folder.read("stdout.log").contains("4199"), || job.log());
    assert!(job.log().contains("all sinks have failed; rows go to standard output"), "{}", job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1, "{}", job.log());
}

#[test]
fn sinks_connect_at_the_same_time_and_not_after_the_end() {
    let folder = Folder::new();
    write_ids(&folder, 0..1);
    let text = |timeout: &str| {
        let sinks =
            (0..4).map(|at| format!(",'k{at}.type'='kafka','k{at}.bootstrap.servers'='127.0.0.1:1','k{at}.connect.timeout'='{timeout}'")).collect::<String>();
        format!("CREATE STREAM m AS SELECT id FROM a INTO k0, k1, k2, k3, f WITH ({IDS},'a.follow'='true','f.type'='file','f.path'='f.jsonl'{sinks})")
    };
    let began = Instant::now();
    let mut job = folder.start(&["--summary", "json", "--sql", &text("2s")]);
    eventually_or("the start", || folder.exists("f.jsonl") && !folder.read("f.jsonl").is_empty(), || job.log());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1);
    let log = job.log();
    assert!(log.contains("Warning: Job 'm' failed to create sinks: Failed to create sink 'sink_3_k3': Connection refused\n"), "{log}");
    assert!(log.contains("sink 'sink_3_k3' failed: Connection refused"), "{log}");
    let dead = &sinks(&job)[3];
    assert_eq!((dead["state"].as_str(), dead["last_error"].as_str()), (Some("Failed"), Some("Connection refused")), "{dead}");

    let mut job = folder.start(&["--sql", &text("60s")]);
    std::thread::sleep(Duration::from_millis(700));
    let asked = Instant::now();
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn a_sink_that_has_failed_says_why() {
    let folder = Folder::new();
    write_ids(&folder, 0..1);
    let ran = folder
        .sql(&format!(
            "SELECT id FROM a INTO o WITH ({IDS},'o.type'='file','o.path'='/dev/full','o.format'='json','o.buffer_size_bytes'='1','max_retries'='0')"
        ))
        .expect(1);
    let sink = &ran.job()["sinks"][0];
    assert_eq!(sink["state"].as_str(), Some("Failed"));
    assert!(sink["last_error"].as_str().unwrap().contains("No space left on device"), "{sink}");
    let source = &ran.job()["sources"][0];
    assert!(source["since"].as_str().unwrap().ends_with('Z') && source["last_error_at"].is_null(), "{source}");
}

#[test]
fn headers_pass_in_order_with_names_that_come_twice_and_without_value() {
    let (folder, broker) = (Folder::new(), broker());
    broker.create_topic("in", 1).unwrap();
    let mut properties = ClientProperties::default();
    properties.set("bootstrap.servers", broker.brokers());
    let mut producer = BatchProducer::open(&properties, "in", "test".to_owned(), Default::default()).unwrap();
    let values = Payload { bytes: b"{\"id\":1}{\"id\":2}{\"id\":3}".to_vec(), ends: vec![8, 16, 24], gap: 0 };
    let headers = HeaderColumn::Entries {
        offsets: OffsetBuffer::from_lengths([0, 3, 1]),
        valid: None,
        names: BinaryViewArray::from_iter_values(["b", "a", "b", "c"]),
        values: BinaryViewArray::from_iter([Some("1"), None, Some("2"), Some("")]),
    };
    producer.send(1, Outgoing { values, keys: None, timestamps: None, headers: vec![headers] }, None);
    while !producer.is_idle() {
        producer.poll(Duration::from_millis(10));
    }
    let copy = format!(
        "SELECT id, _headers AS h FROM t INTO k WITH ('t.type'='kafka','t.topic'='in','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT',{},'k.headers'='h')",
        broker.brokers(),
        sink(&broker)
    );
    folder.sql(&copy).expect(0);
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", broker.brokers()).set("group.id", "g").create().unwrap();
    let mut from = TopicPartitionList::new();
    from.add_partition_offset("out", 0, Offset::Beginning).unwrap();
    consumer.assign(&from).unwrap();
    let mut found = Vec::new();
    while found.len() < 3 {
        let message = consumer.poll(Duration::from_secs(10)).unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = message.headers().map(|headers| headers.iter().map(|one| format!("{}={:?}", one.key, one.value.map(text))).collect::<Vec<_>>().join(" "));
        found.push(headers.unwrap_or_default());
    }
    assert_eq!(found, ["", "b=Some(\"1\") a=None b=Some(\"2\")", "c=Some(\"\")"]);
}

#[test]
fn a_batch_fails_when_brokers_are_away_for_too_long_and_not_after_a_quiet_time() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = format!(
        "SELECT id FROM a INTO k WITH ({IDS},'a.follow'='true',{},'failure_strategy'='FailBatch','k.queue.buffering.max.messages'='50','k.connect.timeout'='1s')",
        sink(&broker)
    );
    let mut job = folder.start(&["--summary", "json", "--sql", &text]);
    eventually_or("the first rows", || stored(&broker).len() == 100, || job.log());
    // Nothing waits for the brokers while they are away.
    broker.set_down(true);
    std::thread::sleep(Duration::from_secs(2));
    broker.set_down(false);
    append_ids(&folder, 100..200);
    eventually_or("more rows", || stored(&broker).len() == 200, || job.log());
    broker.set_down(true);
    append_ids(&folder, 200..400);
    assert_eq!(job.wait(), 1, "{}", job.log());
    assert!(job.log().contains("sink 'k' failed: no broker has answered for 1 s: "), "{}", job.log());
    assert_eq!(counts(&sinks(&job)[0]), (200, 0, 200), "{}", job.log());
}

#[test]
fn a_job_that_fails_while_brokers_are_away_ends() {
    let (folder, broker) = (Folder::new(), broker());
    write_ids(&folder, 0..100);
    let text = format!("SELECT id FROM a INTO k WITH ({IDS},'a.follow'='true',{},'shutdown.timeout'='1s')", sink(&broker));
    let mut job = folder.start(&["--summary", "json", "--sql", &text]);
    eventually_or("the first rows", || stored(&broker).len() == 100, || job.log());
    broker.set_down(true);
    append_ids(&folder, 100..200);
    eventually_or("the loss is noticed", || job.log().contains("status Reconnecting"), || job.log());
    let file = std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl"));
    std::io::Write::write_all(&mut file.unwrap(), b"broken\n").unwrap();
    assert_eq!(job.wait(), 1, "{}", job.log());
    assert!(job.log().contains("line 201"), "{}", job.log());
    assert_eq!(counts(&sinks(&job)[0]), (100, 0, 100), "{}", job.log());
}
