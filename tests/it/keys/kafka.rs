//! Keys of Kafka sources and sinks that a broker inside this process can show.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::kafka::Broker;
use crate::velo::{Folder, Ran, eventually_or};

fn sql(folder: &Folder, text: &str) -> Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", text])
}

fn read(folder: &Folder, broker: &Broker, settings: &str) -> Ran {
    sql(folder, &format!("SELECT id FROM t WITH ('t.type'='kafka','t.bootstrap.servers'='{}','t.schema'='id BIGINT'{settings})", broker.servers()))
}

#[test]
fn a_source_reads_its_topic_or_that_of_its_name() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.topic("other", 1);
    broker.send("t", &[(None, b"{\"id\":1}")]);
    broker.send("other", &[(None, b"{\"id\":2}")]);
    assert_eq!(read(&folder, &broker, ",'t.until'='latest'").expect(0).out, "{\"id\":1}\n");
    assert_eq!(read(&folder, &broker, ",'t.until'='latest','t.topic'='other'").expect(0).out, "{\"id\":2}\n");
}

#[test]
fn a_sink_writes_its_topic_or_that_of_its_name() {
    let (folder, broker) = (Folder::new(), Broker::start());
    folder.write("a.jsonl", "{\"id\":1}\n");
    let count = |topic: &str| read(&folder, &broker, &format!(",'t.until'='latest','t.topic'='{topic}'")).expect(0).out.lines().count();
    let write = |settings: &str| {
        sql(
            &folder,
            &format!(
                "SELECT id FROM a INTO t WITH ('a.type'='file','a.path'='a.jsonl','t.type'='kafka','t.bootstrap.servers'='{}'{settings})",
                broker.servers()
            ),
        )
        .expect(0)
    };
    broker.topic("t", 1);
    broker.topic("other", 1);
    write("");
    write(",'t.topic'='other'");
    write(",'t.topic'='other'");
    assert_eq!((count("t"), count("other")), (1, 2));
}

#[test]
fn lists_of_brokers_are_lists_in_files_too() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.send("t", &[(None, b"{\"id\":1}")]);
    folder.write("t.yaml", format!("type: kafka\nbootstrap.servers: [\"{}\", \"127.0.0.1:1\"]\nuntil: latest\nschema: id BIGINT\n", broker.servers()));
    let text = "SELECT id FROM t WITH ('t.config_file'='t.yaml')";
    assert_eq!(sql(&folder, text).expect(0).out, "{\"id\":1}\n");
    folder.write("a.jsonl", "{\"id\":2}\n");
    folder.write("k.yaml", format!("type: kafka\ntopic: t\nbootstrap.servers: [\"{}\", \"127.0.0.1:1\"]\n", broker.servers()));
    sql(&folder, "SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','k.config_file'='k.yaml')").expect(0);
    assert_eq!(sql(&folder, text).expect(0).out, "{\"id\":1}\n{\"id\":2}\n");
}

#[test]
fn messages_that_are_too_long_are_rejected() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.send("t", &[(None, b"{\"id\":1}"), (None, format!("{{\"id\":2,\"pad\":\"{}\"}}", "x".repeat(500)).as_bytes())]);
    let rejected = |settings: &str| {
        let ran = read(&folder, &broker, &format!(",'t.until'='latest','failure_strategy'='LogAndContinue'{settings}")).expect(0);
        ran.job()["rejected"].as_u64().unwrap()
    };
    assert_eq!((rejected(""), rejected(",'t.max_record_size'='100'"), rejected(",'t.max_record_size'='1KB'")), (0, 1, 0));
}

#[test]
fn no_more_messages_are_taken_at_once_than_a_source_says() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.send_ids("t", 0..100);
    let largest = |settings: &str| {
        let sql = format!(
            "SELECT id FROM t INTO o WITH ({},'t.schema'='id BIGINT','t.until'='latest','execution.mode'='stream','batch.size'='100','o.type'='file','o.path'='{{batch_id}}.out'{settings})",
            broker.source("t", "t")
        );
        folder.sql(&sql).expect(0);
        let files: Vec<String> = folder.list("").into_iter().filter(|file| file.ends_with(".out")).collect();
        let rows = files.iter().map(|file| folder.read(file).lines().count()).max();
        files.iter().for_each(|file| std::fs::remove_file(folder.path().join(file)).unwrap());
        rows.unwrap()
    };
    assert_eq!((largest(""), largest(",'t.max.poll.records'='7'")), (100, 7));
}

#[test]
fn topics_are_made_unless_a_sink_says_no() {
    let (folder, broker) = (Folder::new(), Broker::start());
    folder.write("a.jsonl", "{\"id\":1}\n");
    let write = |settings: &str| {
        sql(
            &folder,
            &format!("SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','k.connect.timeout'='2s',{}{settings})", broker.sink("k", "made")),
        )
    };
    assert!(write(",'k.topic.create'='false'").err.contains("topic 'made' does not exist"));
    broker.topic("made", 1);
    write(",'k.topic.create'='false'").expect(0);
}

#[test]
fn brokers_are_waited_for_as_long_as_it_says() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let servers = silent.local_addr().unwrap();
    let took = |text: &str| {
        let begun = Instant::now();
        assert_ne!(sql(&folder, text).status, 0);
        begun.elapsed()
    };
    let source = format!("SELECT id FROM t WITH ('t.type'='kafka','t.bootstrap.servers'='{servers}','t.schema'='id BIGINT'");
    let sink = format!("SELECT id FROM a INTO t WITH ('a.type'='file','a.path'='a.jsonl','t.type'='kafka','t.bootstrap.servers'='{servers}','max_retries'='0'");
    for text in [source, sink] {
        let (short, long) = (took(&format!("{text},'t.connect.timeout'='300ms')")), took(&format!("{text},'t.connect.timeout'='3s')")));
        assert!(short < Duration::from_millis(2_500) && long > Duration::from_millis(2_900), "{short:?}, {long:?}");
    }
}

#[test]
fn registries_are_waited_for_as_long_as_it_says() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    folder.write("a.jsonl", "{\"id\":1}\n");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let registry = format!("http://{}", silent.local_addr().unwrap());
    let took = |text: &str| {
        let begun = Instant::now();
        assert_ne!(sql(&folder, text).status, 0);
        begun.elapsed()
    };
    let source = format!("SELECT id FROM t WITH ({},'t.until'='latest','t.value.format'='avro','t.schema.registry.url'='{registry}'", broker.source("t", "t"));
    let sink = format!(
        "SELECT id FROM a INTO t WITH ('a.type'='file','a.path'='a.jsonl',{},'t.value.format'='avro','t.schema.registry.url'='{registry}','max_retries'='0'",
        broker.sink("t", "t")
    );
    for text in [source, sink] {
        let (short, long) = (took(&format!("{text},'t.schema.registry.timeout'='300ms')")), took(&format!("{text},'t.schema.registry.timeout'='3s')")));
        assert!(short < Duration::from_millis(2_500) && long > Duration::from_millis(2_900), "{short:?}, {long:?}");
    }
}

#[test]
fn groups_are_called_as_they_say() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    broker.send_ids("t", 0..10);
    // A group that has read the topic reads on behind it; another one begins at its beginning.
    let run = |group: &str, expected: usize| {
        folder.write("o.jsonl", "");
        let text = format!(
            "CREATE STREAM j AS SELECT id FROM t INTO o WITH ({},'t.group.id'='{group}','t.session.timeout.ms'='6000','t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl')",
            broker.source("t", "t")
        );
        let mut job = folder.start(&["--sql", &text]);
        eventually_or(
            "the rows",
            || folder.read("o.jsonl").lines().count() == expected,
            || format!("{} rows\n{}", folder.read("o.jsonl").lines().count(), job.log()),
        );
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0, "{}", job.log());
    };
    run("one", 10);
    broker.send_ids("t", 10..15);
    run("one", 5);
    run("two", 15);
}
