//! Against a real Apache Kafka broker, which `tests/services/kafka` installs and starts.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::kafka_kill::nothing_is_lost_when_a_job_is_killed;
use crate::velo::{Folder, Ran, eventually_or};

struct Kafka {
    folder: TempDir,
    plaintext: String,
    secure: String,
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
        let ports: Vec<&str> = printed.lines().last().unwrap().split_whitespace().collect();
        let kafka = Self { plaintext: format!("127.0.0.1:{}", ports[0]), secure: format!("localhost:{}", ports[1]), folder };
        assert_eq!(ports.len(), 3);
        kafka
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn certificate(&self, name: &str) -> String {
        format!("{}/certificates/{name}", self.path())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka");
        let _already_stopped = Command::new(path).args(["stop", self.path()]).status();
    }
}

fn sql(folder: &Folder, text: &str) -> Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", text])
}

/// Writes ids into a topic.
fn write_ids(kafka: &Kafka, topic: &str, ids: std::ops::Range<u32>, extra: &str) {
    let folder = Folder::new();
    folder.write("a.jsonl", ids.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let text = format!(
        "SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','k.type'='kafka_sink','k.topic'='{topic}','k.bootstrap.servers'='{}','k.key'='id','k.topic.partitions'='4'{extra})",
        kafka.plaintext
    );
    sql(&folder, &text).expect(0);
}

fn count(kafka: &Kafka, topic: &str) -> String {
    let text = format!(
        "SELECT count(*) AS n, count(DISTINCT id) AS d FROM t WITH ('t.type'='kafka','t.topic'='{topic}','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT')",
        kafka.plaintext
    );
    sql(&Folder::new(), &text).expect(0).out
}

#[test]
fn a_real_broker() {
    let kafka = Kafka::start();
    compressed_topics_come_back_whole(&kafka);
    times_are_found(&kafka);
    users_and_certificates_are_checked(&kafka);
    two_instances_share_the_partitions(&kafka);
    a_broker_that_is_killed_and_comes_back(&kafka);
    nothing_is_lost_when_a_job_is_killed(&kafka.plaintext);
}

fn compressed_topics_come_back_whole(kafka: &Kafka) {
    for codec in ["zstd", "lz4", "snappy", "gzip"] {
        write_ids(kafka, codec, 0..2_000, &format!(",'k.compression.type'='{codec}'"));
        assert_eq!(count(kafka, codec), "{\"n\":2000,\"d\":2000}\n", "{codec}");
    }
    let refused =
        sql(&Folder::new(), &format!("SELECT id FROM t WITH ('t.type'='kafka','t.topic'='nosuch','t.bootstrap.servers'='{}')", kafka.plaintext)).expect(2);
    assert!(refused.err.contains("topic 'nosuch' does not exist"), "{}", refused.err);
}

fn times_are_found(kafka: &Kafka) {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..24).map(|hour| format!("{{\"id\":{hour},\"at\":\"2024-01-05T{hour:02}:00:00Z\"}}\n")).collect::<String>());
    let text = format!(
        "SELECT id, at FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, at TIMESTAMP','k.type'='kafka','k.topic'='hours','k.bootstrap.servers'='{}','k.timestamp'='at','k.topic.partitions'='1')",
        kafka.plaintext
    );
    sql(&folder, &text).expect(0);
    let text = format!(
        "SELECT min(id) AS lo, max(id) AS hi FROM t WITH ('t.type'='kafka','t.topic'='hours','t.bootstrap.servers'='{}','t.start'='2024-01-05T06:00:00Z','t.until'='2024-01-05 12:00:00+00:00')",
        kafka.plaintext
    );
    assert_eq!(sql(&folder, &text).expect(0).out, "{\"lo\":6,\"hi\":11}\n");
}

fn users_and_certificates_are_checked(kafka: &Kafka) {
    write_ids(kafka, "secret", 0..10, "");
    let read = |mechanism: &str, user: &str, password: &str, authority: &str| {
        let text = format!(
            "SELECT count(*) AS n FROM t WITH ('t.type'='kafka','t.topic'='secret','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT','t.security.protocol'='SASL_SSL',
             't.sasl.mechanism'='{mechanism}','t.sasl.username'='{user}','t.sasl.password'='{password}','t.ssl.ca.location'='{}')",
            kafka.secure,
            kafka.certificate(authority)
        );
        sql(&Folder::new(), &text)
    };
    assert_eq!(read("SCRAM-SHA-512", "bob", "bob-secret", "ca.pem").expect(0).out, "{\"n\":10}\n");
    assert_eq!(read("PLAIN", "alice", "alice-secret", "ca.pem").expect(0).out, "{\"n\":10}\n");
    let with_token = |scope: &str| {
        let text = format!(
            "SELECT count(*) AS n FROM t WITH ('t.type'='kafka','t.topic'='secret','t.bootstrap.servers'='{}','t.until'='latest','t.schema'='id BIGINT','t.security.protocol'='SASL_SSL',
             't.sasl.mechanism'='OAUTHBEARER','t.enable.sasl.oauthbearer.unsecure.jwt'='true','t.sasl.oauthbearer.config'='principal=carol {scope}','t.ssl.ca.location'='{}')",
            kafka.secure,
            kafka.certificate("ca.pem")
        );
        sql(&Folder::new(), &text)
    };
    assert_eq!(with_token("lifeSeconds=60").expect(0).out, "{\"n\":10}\n");
    assert!(with_token("lifeSeconds=never").expect(1).err.contains("lifeSeconds"));
    let wrong = read("SCRAM-SHA-512", "bob", "hunter2-sentinel", "ca.pem").expect(2);
    assert!(wrong.err.contains("Failed to create source 'source_0_t': SASL authentication error"), "{}", wrong.err);
    assert!(!wrong.err.contains("hunter2-sentinel"), "{}", wrong.err);
    let wrong = read("SCRAM-SHA-512", "bob", "bob-secret", "other-ca.pem").expect(2);
    assert!(wrong.err.contains("certificate verify failed"), "{}", wrong.err);
}

fn two_instances_share_the_partitions(kafka: &Kafka) {
    write_ids(kafka, "shared", 0..1_000, "");
    let folder = Folder::new();
    let text = |out: &str| {
        format!(
            "CREATE STREAM sharing AS SELECT id FROM t INTO o WITH ('t.type'='kafka','t.topic'='shared','t.bootstrap.servers'='{}','t.schema'='id BIGINT','o.type'='file','o.path'='{out}')",
            kafka.plaintext
        )
    };
    let lines = |name: &str| if folder.exists(name) { folder.read(name).lines().map(str::to_owned).collect::<Vec<_>>() } else { Vec::new() };
    let mut first = folder.start(&["--sql", &text("1.jsonl")]);
    eventually_or("the first instance", || lines("1.jsonl").len() >= 1_000, || first.log());
    let second_folder = Folder::new();
    let mut second = second_folder.start(&["--sql", &text(folder.path().join("2.jsonl").to_str().unwrap())]);
    eventually_or("the second instance's partitions", || second.log().contains("2 partitions assigned"), || second.log());
    write_ids(kafka, "shared", 1_000..3_000, "");
    eventually_or("both", || lines("1.jsonl").len() + lines("2.jsonl").len() >= 3_000, || second.log());
    assert!(!lines("2.jsonl").is_empty(), "the second one takes part");
    // One of them dies; the other takes over what it had not committed.
    first.signal(libc::SIGTERM);
    assert_eq!(first.wait(), 0, "{}", first.log());
    write_ids(kafka, "shared", 3_000..4_000, "");
    let distinct = || lines("1.jsonl").into_iter().chain(lines("2.jsonl")).collect::<std::collections::BTreeSet<_>>().len();
    eventually_or("all", || distinct() == 4_000, || second.log());
    second.signal(libc::SIGTERM);
    assert_eq!(second.wait(), 0, "{}", second.log());
    assert_eq!(lines("1.jsonl").len() + lines("2.jsonl").len(), 4_000, "nothing twice: both stopped in peace");
}

fn a_broker_that_is_killed_and_comes_back(kafka: &Kafka) {
    write_ids(kafka, "before", 0..1_000, "");
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM surviving AS SELECT id FROM t INTO o, k WITH ('t.type'='kafka','t.topic'='before','t.bootstrap.servers'='{0}','t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl',
         'k.type'='kafka','k.topic'='after','k.bootstrap.servers'='{0}')",
        kafka.plaintext
    );
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    let lines = || if folder.exists("o.jsonl") { folder.read("o.jsonl").lines().count() } else { 0 };
    eventually_or("the first rows", || lines() >= 1_000, || job.log());
    let pid: i32 = std::fs::read_to_string(kafka.folder.path().join("pid")).unwrap().trim().parse().unwrap();
    // SAFETY: the broker was started by us.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    eventually_or("the loss is noticed", || job.log().contains("status Reconnecting"), || job.log());
    script(&["again", kafka.path()]);
    write_ids(kafka, "before", 1_000..2_000, "");
    eventually_or("the rest", || lines() >= 2_000, || job.log());
    eventually_or("status Connected", || job.log().contains("status Connected"), || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(job.log().lines().count() < 60, "{}", job.log());
    let after = count(kafka, "after");
    assert!(after.contains("\"d\":2000"), "{after}");
}
