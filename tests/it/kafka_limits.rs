//! Topics of a real broker that take little, or are gone: see `kafka_broker`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use tempfile::TempDir;

use crate::velo::{Folder, Ran, eventually_or};

struct Kafka {
    folder: TempDir,
    servers: String,
}

fn script(arguments: &[&str]) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka");
    let output = Command::new(path).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Kafka {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let printed = script(&["start", folder.path().to_str().unwrap()]);
        let port = printed.lines().last().unwrap().split_whitespace().next().unwrap();
        Self { servers: format!("127.0.0.1:{port}"), folder }
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.servers).create().unwrap()
    }

    fn topic(&self, name: &str, most_bytes: &str) {
        let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1)).set("max.message.bytes", most_bytes);
        futures::executor::block_on(self.admin().create_topics([&topic], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    }

    fn sink(&self, topic: &str) -> String {
        format!(
            "'a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, x VARCHAR','k.type'='kafka','k.topic'='{topic}','k.bootstrap.servers'='{}'",
            self.servers
        )
    }

    fn count(&self, topic: &str) -> String {
        let text = format!(
            "SELECT count(*) AS n FROM t WITH ('t.type'='kafka','t.topic'='{topic}','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT')",
            self.servers
        );
        Folder::new().run(&["--format", "json", "--sql", &text]).expect(0).out
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        script(&["stop", self.folder.path().to_str().unwrap()]);
    }
}

fn row(id: u32, length: usize) -> String {
    format!("{{\"id\":{id},\"x\":\"{}\"}}\n", "x".repeat(length))
}

fn counts(job: &serde_json::Value) -> Vec<u64> {
    ["rows", "rejected", "lost"].iter().map(|name| job["sinks"][0][name].as_u64().unwrap()).collect()
}

#[test]
fn topics_of_a_real_broker() {
    let kafka = Kafka::start();
    only_rows_that_are_too_large_by_themselves_are_refused(&kafka);
    what_a_topic_took_before_it_was_deleted_is_told(&kafka);
}

fn only_rows_that_are_too_large_by_themselves_are_refused(kafka: &Kafka) {
    kafka.topic("small", "1000");
    let folder = Folder::new();
    folder.write("a.jsonl", (0..400).map(|id| row(id, if id % 100 == 50 { 1_500 } else { 12 })).collect::<String>());
    let ran = folder.sql(&format!("SELECT id, x FROM a INTO k WITH ({},'failure_strategy'='LogAndContinue')", kafka.sink("small"))).expect(0);
    assert_eq!(counts(&ran.job()), [396, 4, 0], "{}", ran.err);
    assert_eq!(kafka.count("small"), "{\"n\":396}\n");
    folder.write("a.jsonl", (0..100_000).map(|id| row(id, 12)).collect::<String>());
    let ran = folder.sql(&format!("SELECT id, x FROM a INTO k WITH ({})", kafka.sink("small"))).expect(0);
    assert_eq!(counts(&ran.job()), [100_000, 0, 0], "{}", ran.err);
    assert_eq!(kafka.count("small"), "{\"n\":100396}\n");
}

fn what_a_topic_took_before_it_was_deleted_is_told(kafka: &Kafka) {
    kafka.topic("gone", "100000");
    let folder = Folder::new();
    folder.write("a.jsonl", row(0, 1));
    let text = format!("SELECT id, x FROM a INTO k WITH ({},'a.follow'='true','shutdown.timeout'='2s')", kafka.sink("gone"));
    let mut job = folder.start(&["--summary", "json", "--sql", &text]);
    eventually_or("the first row", || kafka.count("gone") == "{\"n\":1}\n", || job.log());
    futures::executor::block_on(kafka.admin().delete_topics(&["gone"], &AdminOptions::new())).unwrap();
    folder.write("a.jsonl", (0..6).map(|id| row(id, 1)).collect::<String>());
    std::thread::sleep(Duration::from_secs(2));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 1, "{}", job.log());
    let counts = counts(&Ran { status: 1, out: String::new(), err: job.log() }.job());
    assert_eq!((counts[0], counts[1] + counts[2]), (1, 5), "{}", job.log());
}
