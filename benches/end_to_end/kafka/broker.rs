//! Brokers: Apache Kafka as the tests install it, and the client library's mock cluster in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use velostream::kafka::EmbeddedBroker;

use super::load;

/// Partitions of the topics on the real broker.
pub(crate) const PARTITIONS: i32 = 4;
/// Partitions on the mock broker, which keeps about 5 MiB of each.
const MOCK_PARTITIONS: i32 = 96;

/// A broker that ends with this value.
pub(crate) struct Broker {
    pub servers: String,
    stop: Stop,
    admin: Option<AdminClient<DefaultClientContext>>,
}

enum Stop {
    Script(PathBuf),
    Mock(Child, Option<ChildStdin>),
}

impl Broker {
    /// Apache Kafka with its data in `folder`.
    pub(crate) fn real(folder: &Path) -> Self {
        let folder = folder.join("broker");
        let _not_there = std::fs::remove_dir_all(&folder);
        let output =
            script(&["start", folder.to_str().unwrap()]).env("VELO_KAFKA_JAVA_OPTIONS", "-Xms512m -Xmx512m").stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "the broker can't be started");
        let printed = String::from_utf8(output.stdout).unwrap();
        let port = printed.lines().last().unwrap().split_whitespace().next().unwrap().to_owned();
        let servers = format!("127.0.0.1:{port}");
        let admin = ClientConfig::new().set("bootstrap.servers", &servers).create().unwrap();
        Self { servers, stop: Stop::Script(folder), admin: Some(admin) }
    }

    /// The mock cluster with `count` orders in topic `orders`, on `processors` processors together with what is measured.
    pub(crate) fn mock(count: u64, processors: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("VELO_BENCH_BASELINE", format!("mock {count}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        crate::process::on_processors(&mut command, processors);
        let mut child = command.spawn().unwrap();
        let mut servers = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut servers).unwrap();
        let input = child.stdin.take();
        Self { servers: servers.trim().to_owned(), stop: Stop::Mock(child, input), admin: None }
    }

    /// Creates a topic that is not there.
    pub(crate) fn create(&self, topic: &str) {
        if let Some(admin) = &self.admin {
            let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
            futures::executor::block_on(admin.create_topics([&new], &AdminOptions::new())).unwrap();
        }
    }

    /// Deletes a topic, so that the disk does not fill.
    pub(crate) fn delete(&self, topic: &str) {
        if let Some(admin) = &self.admin {
            futures::executor::block_on(admin.delete_topics(&[topic], &AdminOptions::new())).unwrap();
        }
    }

    /// Messages that were written to a topic.
    pub(crate) fn messages(&self, topic: &str) -> u64 {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &self.servers).create().unwrap();
        let wait = Duration::from_secs(10);
        let metadata = consumer.fetch_metadata(Some(topic), wait).unwrap();
        let partitions = metadata.topics()[0].partitions();
        partitions.iter().map(|partition| consumer.fetch_watermarks(topic, partition.id(), wait).unwrap().1 as u64).sum()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        match &mut self.stop {
            Stop::Script(folder) => {
                let _already_stopped = script(&["stop", folder.to_str().unwrap()]).status();
                let _left = std::fs::remove_dir_all(folder);
            }
            Stop::Mock(child, input) => {
                drop(input.take());
                child.wait().unwrap();
            }
        }
    }
}

fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka"));
    command.args(arguments);
    command
}

/// The other side of [`Broker::mock`]: lives until its input ends.
pub(crate) fn run_mock(count: u64) {
    let broker = EmbeddedBroker::start(1).unwrap();
    for topic in ["orders", "mock-out"] {
        broker.create_topic(topic, MOCK_PARTITIONS).unwrap();
    }
    load::fill(&broker.brokers(), "orders", count);
    println!("{}", broker.brokers());
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).unwrap();
}
