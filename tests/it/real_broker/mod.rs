//! Against a real Apache Kafka broker, which `tests/services/kafka` installs and starts. The tests share one; those that kill it have their own.

mod basics;
mod kept_rows;
mod kills;
mod orders;
mod outage;
mod readers;
mod segments;
mod sink_keys;
mod soak;
mod source_keys;
mod starts;
mod tokens;
mod topics;

use std::io::BufRead;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use crate::velo::{Folder, Ran};

const WAIT: Duration = Duration::from_secs(30);

fn script() -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka"))
}

pub struct Kafka {
    folder: PathBuf,
    pub plaintext: String,
    secure: String,
    /// The script stops the broker when its standard input ends, so no broker outlives this process, however that ends.
    served: Child,
}

/// The broker that the tests share.
pub fn kafka() -> &'static Kafka {
    static SHARED: OnceLock<Kafka> = OnceLock::new();
    SHARED.get_or_init(Kafka::start)
}

/// A message: its key, and its value or none.
type Raw = (Option<String>, Option<Vec<u8>>);

impl Kafka {
    fn start() -> Self {
        let folder = TempDir::new().unwrap().keep();
        let mut served = script().arg("serve").arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = std::io::BufReader::new(served.stdout.take().unwrap()).lines();
        let printed = lines.map_while(Result::ok).last().expect("the script tells why on standard error");
        let ports: Vec<&str> = printed.split_whitespace().collect();
        assert_eq!(ports.len(), 3, "{printed}");
        Self { plaintext: format!("127.0.0.1:{}", ports[0]), secure: format!("localhost:{}", ports[1]), folder, served }
    }

    /// Starts it again after it was killed.
    fn again(&self) {
        assert!(script().arg("again").arg(&self.folder).status().unwrap().success());
    }

    fn kill(&self) {
        let pid: i32 = std::fs::read_to_string(self.folder.join("pid")).unwrap().trim().parse().unwrap();
        // SAFETY: the broker was started by us.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }

    fn certificate(&self, name: &str) -> String {
        format!("{}/certificates/{name}", self.folder.display())
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.plaintext).set("allow.auto.create.topics", "false");
        config
    }

    fn create(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let new = settings.iter().fold(NewTopic::new(topic, partitions, TopicReplication::Fixed(1)), |new, (key, value)| new.set(key, value));
        let created = futures::executor::block_on(admin.create_topics([&new], &AdminOptions::new())).unwrap();
        created.into_iter().for_each(|topic| assert!(topic.is_ok(), "{topic:?}"));
    }

    fn producer(&self, settings: &[(&str, &str)]) -> BaseProducer {
        let mut config = self.client();
        config.set("partitioner", "murmur2_random").set("linger.ms", "1");
        settings.iter().for_each(|(key, value)| {
            config.set(*key, *value);
        });
        config.create().unwrap()
    }

    fn send(&self, topic: &str, messages: impl IntoIterator<Item = Raw>) {
        send_with(&self.producer(&[]), topic, messages);
    }

    fn send_ids(&self, topic: &str, ids: std::ops::Range<u32>) {
        self.send(topic, ids.map(id_message));
    }

    /// What a group has committed in each partition of a topic; -1: nothing.
    fn committed(&self, group: &str, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let list = consumer.committed_offsets(list, WAIT).unwrap();
        list.elements().iter().map(|element| if let Offset::Offset(offset) = element.offset() { offset } else { -1 }).collect()
    }

    /// The offset after the last record of a partition.
    /// Whether a topic has a partition.
    fn has(&self, topic: &str, partition: i32) -> bool {
        let consumer: BaseConsumer = self.client().create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), WAIT).unwrap();
        metadata.topics().iter().any(|found| found.name() == topic && found.partitions().iter().any(|found| found.id() == partition))
    }

    fn end(&self, topic: &str, partition: i32) -> i64 {
        let consumer: BaseConsumer = self.client().set("group.id", "asks").create().unwrap();
        consumer.fetch_watermarks(topic, partition, WAIT).unwrap().1
    }

    /// Settings of a source.
    fn source(&self, name: &str, topic: &str) -> String {
        format!("'{name}.type'='kafka','{name}.topic'='{topic}','{name}.bootstrap.servers'='{}'", self.plaintext)
    }

    /// Settings of a sink; a topic that is made has one partition.
    fn sink(&self, name: &str, topic: &str) -> String {
        format!("{},'{name}.topic.partitions'='1'", self.source(name, topic))
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.served.stdin.take());
        let _stopped = self.served.wait();
    }
}

fn id_message(id: u32) -> Raw {
    (Some(id.to_string()), Some(format!("{{\"id\":{id}}}").into_bytes()))
}

fn send_with(producer: &BaseProducer, topic: &str, messages: impl IntoIterator<Item = Raw>) {
    messages.into_iter().for_each(|message| send_one(producer, topic, message));
    producer.flush(WAIT).unwrap();
}

/// Hands a message over without waiting for the broker.
fn send_one(producer: &BaseProducer, topic: &str, (key, value): Raw) {
    let mut record: BaseRecord<'_, String, Vec<u8>> = BaseRecord::to(topic);
    record = key.as_ref().into_iter().fold(record, BaseRecord::key);
    record = value.as_ref().into_iter().fold(record, BaseRecord::payload);
    producer.send(record).map_err(|(error, _)| error).unwrap();
}

fn sql(folder: &Folder, text: &str) -> Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", text])
}

/// Writes ids into a topic, by the engine.
fn write_ids(kafka: &Kafka, topic: &str, ids: std::ops::Range<u32>, extra: &str) {
    let folder = Folder::new();
    folder.write("a.jsonl", ids.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let text =
        format!("SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{},'k.key'='id','k.topic.partitions'='4'{extra})", kafka.source("k", topic));
    sql(&folder, &text).expect(0);
}

fn count(kafka: &Kafka, topic: &str) -> String {
    let text = format!("SELECT count(*) AS n, count(DISTINCT id) AS d FROM t WITH ({},'t.until'='latest','t.schema'='id BIGINT')", kafka.source("t", topic));
    sql(&Folder::new(), &text).expect(0).out
}

/// Lines of a file that may not be there yet.
fn lines(folder: &Folder, name: &str) -> Vec<String> {
    if folder.exists(name) { folder.read(name).lines().map(str::to_owned).collect() } else { Vec::new() }
}
