//! Kafka in and out, on a broker inside this process.

use std::time::Duration;

use velostream::kafka::{BatchProducer, ClientProperties, EmbeddedBroker, Outgoing, Payload};

use crate::velo::{Folder, assert_balanced, eventually, eventually_or};

/// A broker for one test.
pub struct Broker {
    broker: EmbeddedBroker,
}

impl Broker {
    pub fn start() -> Self {
        Self { broker: EmbeddedBroker::start(1).unwrap() }
    }

    pub fn servers(&self) -> String {
        self.broker.brokers()
    }

    pub fn topic(&self, name: &str, partitions: i32) {
        self.broker.create_topic(name, partitions).unwrap();
    }

    /// Sends messages; `None` is a tombstone in neither place, since the writer has none: an empty value stands for itself.
    pub fn send(&self, topic: &str, messages: &[(Option<&str>, &[u8])]) {
        let mut properties = ClientProperties::default();
        properties.set("bootstrap.servers", self.servers());
        properties.set("linger.ms", "1");
        properties.set("partitioner", "murmur2_random");
        let mut producer = BatchProducer::open(&properties, topic, "test".to_owned(), Default::default()).unwrap();
        let mut values = Payload::default();
        for (_, value) in messages {
            values.bytes.extend_from_slice(value);
            values.ends.push(values.bytes.len());
        }
        let keys = messages.iter().map(|(key, _)| key.map(|key| key.as_bytes().to_vec())).collect();
        let times = (0..messages.len() as i64).map(|at| 1_704_448_800_000 + at * 1_000).collect();
        producer.send(1, Outgoing { values, keys: Some(keys), timestamps: Some(times), headers: Vec::new() }, None);
        while !producer.is_idle() {
            producer.poll(Duration::from_millis(10));
        }
        for delivery in producer.take_settled() {
            assert!(delivery.undelivered.is_empty(), "{:?}", delivery.undelivered);
        }
    }

    pub fn send_ids(&self, topic: &str, ids: std::ops::Range<u32>) {
        // Without keys all would go to one partition.
        let texts: Vec<(String, String)> = ids.map(|id| (format!("k{id}"), format!("{{\"id\":{id},\"amount\":{}.5}}", id % 100))).collect();
        let messages: Vec<(Option<&str>, &[u8])> = texts.iter().map(|(key, value)| (Some(key.as_str()), value.as_bytes())).collect();
        self.send(topic, &messages);
    }

    pub fn source(&self, name: &str, topic: &str) -> String {
        format!("'{name}.type'='kafka_source','{name}.topic'='{topic}','{name}.bootstrap.servers'='{}'", self.servers())
    }

    pub fn sink(&self, name: &str, topic: &str) -> String {
        format!("'{name}.type'='kafka_sink','{name}.topic'='{topic}','{name}.bootstrap.servers'='{}'", self.servers())
    }
}

fn sql(folder: &Folder, text: &str) -> crate::velo::Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", text])
}

#[test]
fn a_topic_is_read_to_its_present_end_and_written_with_key_and_time() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("in", 3);
    broker.topic("out", 3);
    broker.send("in", &[(Some("a"), b"{\"id\":1,\"t\":\"x\"}"), (Some("b"), b"{\"id\":2,\"t\":\"y\"}"), (None, b"{\"id\":3,\"t\":\"z\"}")]);
    let copy =
        format!("SELECT id * 10 AS ten, t FROM i WHERE id < 3 INTO o WITH ({},'i.until'='latest',{})", broker.source("i", "in"), broker.sink("o", "out"));
    assert_balanced(&sql(&folder, &copy).expect(0).job());
    let read = format!("SELECT ten, t, _key, _timestamp, _topic FROM o ORDER BY ten WITH ({},'o.until'='latest')", broker.source("o", "out"));
    assert_eq!(
        sql(&folder, &read).expect(0).out,
        "{\"ten\":10,\"t\":\"x\",\"_key\":\"a\",\"_timestamp\":\"2024-01-05T10:00:00Z\",\"_topic\":\"out\"}\n\
         {\"ten\":20,\"t\":\"y\",\"_key\":\"b\",\"_timestamp\":\"2024-01-05T10:00:01Z\",\"_topic\":\"out\"}\n"
    );
    // The partitioner is that of Java clients, and so are both topics partitioned alike.
    let places = |topic: &str| {
        sql(&folder, &format!("SELECT _key, _partition FROM x WHERE _key IS NOT NULL ORDER BY _key WITH ({},'x.until'='latest')", broker.source("x", topic)))
            .out
    };
    assert_eq!(places("in"), places("out"));
}

#[test]
fn keys_headers_and_times_of_columns() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("out", 2);
    folder.write(
        "a.jsonl",
        "{\"id\":7,\"name\":\"n\",\"source\":\"web\",\"at\":\"2024-02-03T04:05:06Z\"}\n{\"id\":8,\"name\":null,\"source\":null,\"at\":null}\n",
    );
    let write = format!(
        "SELECT id, name, source, at FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, name VARCHAR, source VARCHAR, at TIMESTAMP',{},
         'o.key'='id, name','o.headers'='source','o.timestamp'='at')",
        broker.sink("o", "out")
    );
    sql(&folder, &write).expect(0);
    let read = format!(
        "SELECT _key, _headers['source'] AS source, CASE WHEN id = 7 THEN _timestamp END AS at, id FROM o ORDER BY id WITH ({},'o.until'='latest','o.schema'='id BIGINT')",
        broker.source("o", "out")
    );
    assert_eq!(
        sql(&folder, &read).expect(0).out,
        "{\"_key\":\"{\\\"id\\\":7,\\\"name\\\":\\\"n\\\"}\",\"source\":\"web\",\"at\":\"2024-02-03T04:05:06Z\",\"id\":7}\n\
         {\"_key\":\"{\\\"id\\\":8,\\\"name\\\":null}\",\"source\":null,\"at\":null,\"id\":8}\n"
    );
    let wrong = format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl',{},'o.key'='idd')", broker.sink("o", "out"));
    let ran = sql(&folder, &wrong).expect(2);
    assert!(ran.err.contains("'o.key' names 'idd', which is no column of the statement") && ran.err.contains("nearest: id"), "{}", ran.err);
}

#[test]
fn full_data_for_every_reader_that_has_no_name_and_for_twins() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 4);
    broker.send_ids("t", 0..1_000);
    let count = format!("SELECT count(*) AS n, sum(id) AS s FROM t WITH ({},'t.until'='latest')", broker.source("t", "t"));
    for _ in 0..2 {
        assert_eq!(sql(&folder, &count).expect(0).out, "{\"n\":1000,\"s\":499500}\n");
    }
    let twins = format!(
        "SELECT count(*) AS n FROM (SELECT id FROM a UNION ALL SELECT id FROM b UNION ALL SELECT id FROM a) u WITH ({},'a.until'='latest',{},'b.until'='latest')",
        broker.source("a", "t"),
        broker.source("b", "t")
    );
    assert_eq!(sql(&folder, &twins).expect(0).out, "{\"n\":3000}\n");
    // As streams of one named job they must not share the partitions out, whatever their group is called.
    for (round, group) in ["", ",'a.group.id'='g','b.group.id'='g'"].into_iter().enumerate() {
        let named = format!(
            "CREATE STREAM both{round} AS SELECT id FROM a UNION ALL SELECT id FROM b INTO o WITH ({},{}{group},'o.type'='file','o.path'='o{round}.jsonl')",
            broker.source("a", "t"),
            broker.source("b", "t")
        );
        let mut job = folder.start(&["--sql", &named]);
        let file = format!("o{round}.jsonl");
        eventually("2000 rows", || folder.exists(&file) && folder.read(&file).lines().count() >= 2_000);
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0);
        assert_eq!(folder.read(&file).lines().count(), 2_000);
    }
}

#[test]
fn a_named_job_goes_on_where_it_stopped() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 2);
    // The embedded broker lets a group that was left wait for nearly a session.
    let copy = format!(
        "CREATE STREAM copy AS SELECT id FROM t INTO o WITH ({},'t.session.timeout.ms'='6000','t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl','o.append'='true')",
        broker.source("t", "t")
    );
    let mut written = 0;
    for round in 1..=3u32 {
        broker.send_ids("t", (round - 1) * 100..round * 100);
        let mut job = folder.start(&["--sql", &copy]);
        written += 100;
        eventually_or("the new rows", || folder.exists("o.jsonl") && folder.read("o.jsonl").lines().count() >= written, || job.log());
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0, "{}", job.log());
        assert_eq!(folder.read("o.jsonl").lines().count(), written, "{}", job.log());
    }
}

#[test]
fn messages_that_can_not_be_used_are_told_with_their_place() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    broker.send(
        "t",
        &[
            (None, b"{\"id\":1}"),
            (None, b"{\"id\":\"x\"}"),
            (None, b""),
            (None, b"{\"id\":2"),
            (None, b"[{\"id\":3},{\"id\":4}]"),
            (None, b"[]"),
            (None, deep.as_bytes()),
            (None, b"{\"id\":5}"),
        ],
    );
    let text = format!("SELECT id, _offset AS at FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT'", broker.source("t", "t"));
    for mode in ["batch", "stream"] {
        let ran = sql(&folder, &format!("{text},'execution.mode'='{mode}','failure_strategy'='LogAndContinue')")).expect(0);
        assert_eq!(ran.out, "{\"id\":1,\"at\":0}\n{\"id\":3,\"at\":4}\n{\"id\":4,\"at\":4}\n{\"id\":5,\"at\":7}\n");
        let job = ran.job();
        assert_eq!((job["in"].as_u64(), job["rejected"].as_u64(), job["filtered"].as_u64()), (Some(9), Some(4), Some(1)), "{job}");
        assert!(ran.err.contains("source 't', t, partition 0, offset 1: field 'id': \"x\" is not BIGINT; record skipped"), "{}", ran.err);
        let ran = sql(&folder, &format!("{text},'execution.mode'='{mode}')")).expect(1);
        assert!(ran.err.contains("t, partition 0, offset 1: field 'id'"), "{}", ran.err);
    }
}

#[test]
fn begin_and_end_as_written() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 2);
    broker.send_ids("t", 0..200);
    let ends = format!("SELECT _partition AS p, max(_offset) + 1 AS n FROM t GROUP BY 1 ORDER BY 1 WITH ({},'t.until'='latest')", broker.source("t", "t"));
    let ends: Vec<u64> =
        sql(&folder, &ends).expect(0).out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_u64().unwrap()).collect();
    assert_eq!(ends.iter().sum::<u64>(), 200);
    let count = |extra: &str| {
        let ran = sql(&folder, &format!("SELECT count(*) AS n FROM t WITH ({},'t.schema'='id BIGINT'{extra})", broker.source("t", "t"))).expect(0);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["n"].as_u64().unwrap()
    };
    assert_eq!(count(",'t.until'='0:10,1:0'"), 10);
    assert_eq!(count(",'t.start'='0:5','t.until'='0:10,1:7'"), 5 + 7);
    assert_eq!(count(",'t.start'='latest','t.until'='latest'"), 0);
}

#[test]
fn wrong_settings_are_refused_before_anything_is_asked() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.send_ids("t", 0..3);
    let run = |extra: &str| sql(&folder, &format!("SELECT id FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT'{extra})", broker.source("t", "t")));
    for (extra, text) in [
        (",'t.fetch.min.bites'='5'", "did you mean 't.fetch.min.bytes'?"),
        (",'t.fetch.min.bytes'='many'", "'t.fetch.min.bytes' = 'many' is not a count"),
        (",'t.fetch.error.backoff.ms'='many'", "'t.fetch.error.backoff.ms': Invalid value"),
        (",'t.enable.auto.commit'='true'", "'t.enable.auto.commit' can't be set: offsets are committed when every sink has made the rows durable"),
        (",'t.start'='noon'", "'t.start' = 'noon' is not a place in a topic"),
        (",'t.value.format'='xml'", "expected json"),
    ] {
        let ran = run(extra).expect(2);
        assert!(ran.err.contains(text), "{extra}: {}", ran.err);
        let script = format!("SELECT id FROM t WITH ({}{extra})", broker.source("t", "t"));
        folder.write("v.sql", &script);
        assert_eq!(folder.run(&["validate", "v.sql"]).status, 2, "{extra}");
    }
    assert_eq!(run(",'t.fetch.min.bytes'='10','t.session.timeout.ms'='10000','t.max.poll.records'='2'").expect(0).out.lines().count(), 3);
    let ran = sql(&folder, &format!("SELECT id FROM t WITH ({},'t.until'='latest')", broker.source("t", "nosuch"))).expect(2);
    assert!(
        ran.err.contains("Job 'query_1' failed to create data sources: Failed to create source 'source_0_t': topic 'nosuch' does not exist"),
        "{}",
        ran.err
    );
}

#[test]
fn a_broker_that_does_not_answer_is_told_in_the_words_of_the_system() {
    let folder = Folder::new();
    let began = std::time::Instant::now();
    let ran = sql(
        &folder,
        "CREATE STREAM j AS SELECT id FROM t WITH ('t.type'='kafka','t.bootstrap.servers'='127.0.0.1:1','t.schema'='id BIGINT','t.connect.timeout'='1s')",
    )
    .expect(1);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(ran.err.contains("Error: Job 'j' failed to create data sources: Failed to create source 'source_0_t': Connection refused"), "{}", ran.err);
    assert!(ran.err.contains("127.0.0.1:1 did not answer in 1 s; check bootstrap.servers"), "{}", ran.err);
    folder.write("a.jsonl", "{\"id\":1}\n");
    let ran = sql(&folder, "SELECT id FROM a INTO k, f WITH ('a.type'='file','a.path'='a.jsonl','k.type'='kafka','k.bootstrap.servers'='127.0.0.1:1','k.connect.timeout'='300ms','f.type'='file','f.path'='f.jsonl')").expect(1);
    assert!(ran.err.contains("Warning: Job 'query_1' failed to create sinks: Failed to create sink 'sink_0_k': Connection refused"), "{}", ran.err);
    assert_eq!(folder.read("f.jsonl"), "{\"id\":1}\n");
}

#[test]
fn a_stream_of_messages_is_joined_with_a_table_and_fanned_out() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("orders", 4);
    broker.topic("out", 4);
    folder.write("names.csv", (0..100).map(|id| format!("{id},n{id}\n")).fold("id,name\n".to_owned(), |all, line| all + &line));
    let text = format!(
        "CREATE STREAM enriched AS SELECT o.id, n.name FROM orders o JOIN names n ON o.id % 100 = n.id INTO k, audit, lake
         WITH ({},'orders.schema'='id BIGINT','names.type'='file','names.path'='names.csv',{},'audit.type'='file','audit.path'='audit.jsonl',
         'lake.type'='file','lake.path'='lake','lake.format'='parquet','lake.partition_columns'='name')",
        broker.source("orders", "orders"),
        broker.sink("k", "out")
    );
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    for part in 0..5 {
        broker.send_ids("orders", part * 1_000..(part + 1) * 1_000);
    }
    eventually("5000 rows", || folder.exists("audit.jsonl") && folder.read("audit.jsonl").lines().count() >= 5_000);
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let count = format!("SELECT count(*) AS n, count(DISTINCT id) AS d FROM k WITH ({},'k.until'='latest')", broker.source("k", "out"));
    assert_eq!(sql(&folder, &count).expect(0).out, "{\"n\":5000,\"d\":5000}\n");
    let lake = "SELECT count(*) AS n FROM l WITH ('l.type'='file','l.path'='lake/*/*.parquet')";
    assert_eq!(sql(&folder, lake).expect(0).out, "{\"n\":5000}\n");
}
