//! Codecs, times, users, groups.

use super::{count, kafka, sql, write_ids};
use crate::velo::{Folder, eventually_or};

#[test]
fn compressed_topics_come_back_whole() {
    let kafka = kafka();
    for codec in ["zstd", "lz4", "snappy", "gzip"] {
        write_ids(kafka, codec, 0..2_000, &format!(",'k.compression.type'='{codec}'"));
        assert_eq!(count(kafka, codec), "{\"n\":2000,\"d\":2000}\n", "{codec}");
    }
    let refused =
        sql(&Folder::new(), &format!("SELECT id FROM t WITH ('t.type'='kafka','t.topic'='nosuch','t.bootstrap.servers'='{}')", kafka.plaintext)).expect(2);
    assert!(refused.err.contains("topic 'nosuch' does not exist"), "{}", refused.err);
}

#[test]
fn times_are_found() {
    let kafka = kafka();
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

#[test]
fn users_and_certificates_are_checked() {
    let kafka = kafka();
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

#[test]
fn two_instances_share_the_partitions() {
    let kafka = kafka();
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
