//! Keys of messages: text or not, they come through.

use crate::kafka::Broker;
use crate::velo::{Folder, assert_balanced};

#[test]
fn keys_that_are_no_text_pass_as_they_are() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("in", 2);
    broker.topic("out", 2);
    folder.write(
        "a.jsonl",
        "{\"id\":1,\"k\":\"00ff10\"}\n{\"id\":2,\"k\":null}\n{\"id\":3,\"k\":\"\"}\n{\"id\":4,\"k\":\"c3285f5f5f5f5f5f5f5f5f5f5f5f5f5f5f\"}\n",
    );
    let write = format!(
        "SELECT id, decode(k, 'hex') AS k FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT, k VARCHAR',{},'o.key'='k')",
        broker.sink("o", "in")
    );
    folder.run(&["--sql", &write]).expect(0);
    let copy = format!("SELECT id FROM i INTO o WITH ({},'i.until'='latest',{})", broker.source("i", "in"), broker.sink("o", "out"));
    let ran = folder.run(&["--summary", "json", "--sql", &copy]).expect(0);
    assert_balanced(&ran.job());
    let read = |topic: &str| {
        let read = format!(
            "SELECT id, encode(_key_bytes, 'hex') AS k, byte_length(_key_bytes) AS n, _partition AS p FROM o ORDER BY id WITH ({},'o.until'='latest','o.schema'='id BIGINT')",
            broker.source("o", topic)
        );
        folder.run(&["--format", "json", "--sql", &read]).expect(0).out
    };
    let rows = read("in");
    assert!(rows.starts_with("{\"id\":1,\"k\":\"00ff10\",\"n\":3,"), "{rows}");
    assert!(rows.contains("{\"id\":2,\"k\":null,\"n\":null,") && rows.contains("{\"id\":3,\"k\":\"\",\"n\":0,"), "{rows}");
    let keyed = |rows: String| rows.lines().filter(|row| !row.contains("null")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keyed(read("out")), keyed(rows), "keys and partitions are those of the messages that were read");
    // Two keys are no text, and an empty one is no JSON.
    for (format, rejected) in [("string", 2), ("json", 3)] {
        let text = format!(
            "SELECT _key FROM o WITH ({},'o.until'='latest','o.schema'='id BIGINT','o.key.format'='{format}','failure_strategy'='LogAndContinue')",
            broker.source("o", "in")
        );
        assert_eq!(folder.run(&["--summary", "json", "--sql", &text]).expect(0).job()["rejected"], rejected, "{format}");
    }
    // Who wants a text is told where there is none.
    let text = format!("SELECT _key FROM o WITH ({},'o.until'='latest','o.schema'='id BIGINT')", broker.source("o", "in"));
    let ran = folder.run(&["--sql", &text]).expect(1);
    assert!(ran.err.contains("its key is not UTF-8") && ran.err.contains("'_key_bytes' has it as it is"), "{}", ran.err);
}

#[test]
fn settings_that_the_client_refuses_are_told_before_anything_starts() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    for (key, value, told) in [
        ("o.compression.type", "foo", "compression.type"),
        ("o.security.protocol", "tls", "security.protocol"),
        ("o.security.protocol", "sasl_plaintext", "'o.sasl.mechanism' is missing"),
        ("o.batch.size", "0", "batch.size"),
        ("o.linger.ms", "99999999999", "linger.ms"),
        ("o.topic", "a b", "'o.topic' = 'a b' is not the name of a topic"),
        ("o.topic.partitions", "0", "'o.topic.partitions' = '0' is not a count: expected a number from 1 to 2147483647"),
        ("i.session.timeout.ms", "0", "session.timeout.ms"),
        ("i.max.poll.records", "0", "'i.max.poll.records' = '0' is not a count: expected 1 or more"),
        ("i.topic", "^zz[", "is not a regular expression"),
        ("i.partition.assignment.strategy", "foo", "foo"),
        ("i.start", "0:1,0:2", "partition 0 is named twice"),
    ] {
        let script = format!(
            "SELECT id FROM i INTO o WITH ('i.type'='kafka','i.bootstrap.servers'='127.0.0.1:1','i.schema'='id BIGINT','o.type'='kafka','o.bootstrap.servers'='127.0.0.1:1','{key}'='{value}')"
        );
        folder.write("a.sql", &script);
        let ran = folder.run(&["validate", "a.sql"]).expect(2);
        assert!(ran.err.contains(told), "{key}: {}", ran.err);
    }
}
