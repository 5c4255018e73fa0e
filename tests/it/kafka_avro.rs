//! Avro in and out of topics: with a real schema registry, which `tests/services/schema_registry` installs and starts, and against `tests/services/fastavro`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use velostream::error::ErrorKind;
use velostream::formats::avro::SchemaText;
use velostream::kafka::{BatchConsumer, Begin, ClientProperties, ConsumerOptions, PartitionId, Wanted};
use velostream::schema_registry::{RegistrySettings, SchemaRegistry};

use crate::kafka::Broker;
use crate::setting_examples;
use crate::velo::{Folder, Ran, assert_balanced, eventually_or};

pub struct Registry {
    folder: TempDir,
    pub url: String,
    door: String,
}

fn service(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/services").join(name)
}

impl Registry {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let output = Command::new(service("schema_registry")).args(["start", folder.path().to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let (own, door) = printed.lines().last().unwrap().split_once(' ').unwrap();
        let url = |scheme: &str, host: &str, port: &str| format!("{scheme}://{host}:{port}/apis/ccompat/v7");
        Self { url: url("http", "127.0.0.1", own), door: url("https", "localhost", door), folder }
    }

    fn client(&self) -> SchemaRegistry {
        let settings = RegistrySettings {
            url: self.url.clone(),
            user_info: None,
            ca: None,
            timeout: Duration::from_secs(20),
            kind: ErrorKind::Source,
            owner: "test".to_owned(),
        };
        SchemaRegistry::new(&settings).unwrap()
    }

    pub fn register(&self, subject: &str, schema: &Value) -> u32 {
        self.client().register(subject, &SchemaText::alone(schema.to_string())).unwrap()
    }

    fn schema(&self, subject: &str) -> (u32, Value) {
        let found = self.client().latest(subject).unwrap().unwrap_or_else(|| panic!("no subject {subject}"));
        (found.number, serde_json::from_str(&found.schema.json).unwrap())
    }

    /// Has a subject refuse schemas that can't read what others wrote.
    fn be_strict(&self, subject: &str) {
        let request = reqwest::blocking::Client::builder().no_proxy().build().unwrap().put(format!("{}/config/{subject}", self.url));
        let response = request.header("Content-Type", "application/json").body("{\"compatibility\":\"BACKWARD\"}").send().unwrap();
        assert!(response.status().is_success());
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _already_stopped = Command::new(service("schema_registry")).args(["stop", self.folder.path().to_str().unwrap()]).status();
    }
}

fn fastavro(what: &str, schema: &Value, lines: &[String]) -> Vec<String> {
    let folder = Folder::new();
    folder.write("schema.avsc", schema.to_string());
    let mut command = Command::new(service("fastavro"));
    command.args([what, folder.path().join("schema.avsc").to_str().unwrap()]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Rows, as Python literals, in fastavro's bytes.
pub fn encoded(schema: &Value, rows: &[&str]) -> Vec<Vec<u8>> {
    let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    let digits = |line: &String| (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect();
    fastavro("encode", schema, &rows).iter().map(digits).collect()
}

fn decoded(schema: &Value, values: &[Vec<u8>]) -> Vec<Value> {
    let lines: Vec<String> = values.iter().map(|value| value.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    fastavro("decode", schema, &lines).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn framed(number: u32, value: &[u8]) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes(), value].concat()
}

pub fn send(broker: &Broker, topic: &str, values: &[Vec<u8>]) {
    let messages: Vec<(Option<&str>, &[u8])> = values.iter().map(|value| (None, value.as_slice())).collect();
    broker.send(topic, &messages);
}

/// The values in partition 0 of a topic.
pub fn values(broker: &Broker, topic: &str, count: usize) -> Vec<Vec<u8>> {
    let mut properties = ClientProperties::default();
    properties.set("bootstrap.servers", broker.servers());
    properties.set("group.id", "test");
    let wanted = Wanted::Assign(vec![(PartitionId { topic: topic.into(), partition: 0 }, 0)]);
    let options = ConsumerOptions {
        properties: &properties,
        place: "test".to_owned(),
        health: Default::default(),
        wanted: &wanted,
        begin: Begin::default(),
        tells_ends: true,
    };
    let mut consumer = BatchConsumer::open(options).unwrap();
    let mut found = Vec::new();
    for _ in 0..100 {
        consumer.poll(100, Duration::from_millis(100), |_, _, message| found.extend(message.payload().map(<[u8]>::to_vec))).unwrap();
        if found.len() >= count {
            break;
        }
    }
    assert_eq!(found.len(), count);
    found
}

fn sql(folder: &Folder, text: &str) -> Ran {
    folder.run(&["--format", "json", "--summary", "json", "--sql", text])
}

fn order() -> Value {
    let logical = |base: &str, name: &str| json!({ "type": base, "logicalType": name });
    json!({ "type": "record", "name": "Order", "namespace": "com.example", "fields": [
        { "name": "id", "type": "long" },
        { "name": "status", "type": { "type": "enum", "name": "Status", "symbols": ["NEW", "PAID"] } },
        { "name": "amount", "type": { "type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2 } },
        { "name": "tax", "type": ["null", { "type": "fixed", "name": "Tax", "size": 4, "logicalType": "decimal", "precision": 8, "scale": 3 }], "default": null },
        { "name": "at", "type": logical("long", "timestamp-micros") },
        { "name": "seen", "type": ["null", logical("long", "timestamp-millis")], "default": null },
        { "name": "day", "type": logical("int", "date") },
        { "name": "clock", "type": logical("long", "time-micros") },
        { "name": "key", "type": logical("string", "uuid") },
        { "name": "hash", "type": { "type": "fixed", "name": "Hash", "size": 2 } },
        { "name": "who", "type": ["null", { "type": "record", "name": "Person", "fields": [{ "name": "name", "type": "string" }, { "name": "age", "type": ["null", "int"] }] }] },
        { "name": "tags", "type": { "type": "array", "items": ["null", "string"] } },
        { "name": "counts", "type": { "type": "map", "values": "int" } },
        { "name": "extra", "type": ["null", "int", "string"] },
        { "name": "ratio", "type": "double" }, { "name": "low", "type": "float" }, { "name": "ok", "type": "boolean" }
    ] })
}

const ROWS: [&str; 2] = [
    "{'id': 1, 'status': 'PAID', 'amount': Decimal('-12.30'), 'tax': Decimal('1.005'), 'at': datetime(2024, 1, 5, 10, 0, 0, 123456, UTC), 'seen': datetime(2024, 1, 5, 10, 0, 1, 5000, UTC), 'day': date(2024, 2, 29), 'clock': time(23, 59, 59, 999999), 'key': UUID('6f1c1f0e-0000-4000-8000-000000000001'), 'hash': bytes([1, 255]), 'who': {'name': 'Zoë', 'age': 7}, 'tags': ['a', None, 'a text that is longer than twelve bytes'], 'counts': {'x': 1}, 'extra': 'text', 'ratio': 0.1, 'low': 1.5, 'ok': True}",
    "{'id': -9007199254740993, 'status': 'NEW', 'amount': Decimal('99999999.99'), 'tax': None, 'at': datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), 'seen': None, 'day': date(1960, 1, 1), 'clock': time(0, 0), 'key': UUID('6f1c1f0e-0000-4000-8000-000000000002'), 'hash': bytes([0, 0]), 'who': None, 'tags': [], 'counts': {}, 'extra': 5, 'ratio': -1e300, 'low': -0.25, 'ok': False}",
];

const JSON_ROWS: &str = concat!(
    "{\"id\":-9007199254740993,\"status\":\"NEW\",\"amount\":99999999.99,\"tax\":null,\"at\":\"1969-12-31T23:59:59.999999Z\",\"seen\":null,\"day\":\"1960-01-01\",\"clock\":\"00:00:00\",",
    "\"key\":\"6f1c1f0e-0000-4000-8000-000000000002\",\"hash\":\"AAA=\",\"who\":null,\"tags\":[],\"counts\":{},\"extra\":{\"int\":5,\"string\":null},\"ratio\":-1e+300,\"low\":-0.25,\"ok\":false}\n",
    "{\"id\":1,\"status\":\"PAID\",\"amount\":-12.30,\"tax\":1.005,\"at\":\"2024-01-05T10:00:00.123456Z\",\"seen\":\"2024-01-05T10:00:01.005Z\",\"day\":\"2024-02-29\",\"clock\":\"23:59:59.999999\",",
    "\"key\":\"6f1c1f0e-0000-4000-8000-000000000001\",\"hash\":\"Af8=\",\"who\":{\"name\":\"Zoë\",\"age\":7},\"tags\":[\"a\",null,\"a text that is longer than twelve bytes\"],\"counts\":{\"x\":1},",
    "\"extra\":{\"int\":null,\"string\":\"text\"},\"ratio\":0.1,\"low\":1.5,\"ok\":true}\n"
);

#[test]
fn a_real_registry() {
    let (registry, broker) = (Registry::start(), Broker::start());
    what_fastavro_writes_is_read(&registry, &broker);
    what_is_written_is_read_by_fastavro(&registry, &broker);
    messages_of_earlier_and_later_schemas_are_read(&registry, &broker);
    messages_that_can_not_be_read_are_told_with_their_place(&registry, &broker);
    schemas_that_do_not_go_with_earlier_ones_are_refused(&registry, &broker);
    subjects_are_called_after_topic_and_record(&registry, &broker);
    users_and_authorities_are_checked(&registry, &broker);
    authorities_of_token_endpoints_are_checked(&registry);
    a_stream_learns_schemas_while_it_runs(&registry, &broker);
    setting_examples::shop(&registry, &broker);
    setting_examples::plant(&registry, &broker);
}

fn what_fastavro_writes_is_read(registry: &Registry, broker: &Broker) {
    broker.topic("orders", 1);
    let number = registry.register("orders-value", &order());
    send(broker, "orders", &encoded(&order(), &ROWS).iter().map(|value| framed(number, value)).collect::<Vec<_>>());
    let folder = Folder::new();
    let source = broker.source("o", "orders");
    let text = format!("SELECT * FROM o ORDER BY id WITH ({source},'o.until'='latest','o.value.format'='avro'");
    let ran = sql(&folder, &format!("{text},'o.schema.registry.url'='{}')", registry.url)).expect(0);
    assert_eq!(ran.out, JSON_ROWS);
    assert_balanced(&ran.job());
    // From the environment, in any of the format's spellings, and of some columns only.
    for key in ["source.format", "format", "value.format"] {
        let text = format!("SELECT who.name AS name, count(*) OVER () AS n FROM o WHERE id = 1 WITH ({source},'o.until'='latest','o.{key}'='avro')");
        let ran = folder.run_with(&["--format", "json", "--sql", &text], &[("SCHEMA_REGISTRY_URL", &registry.url)], b"").expect(0);
        assert_eq!(ran.out, "{\"name\":\"Zoë\",\"n\":1}\n", "{key}");
    }
    let ran =
        sql(&folder, &format!("SELECT count(*) AS n FROM o WITH ({source},'o.until'='latest','o.format'='avro','o.schema.registry.url'='{}')", registry.url));
    assert_eq!(ran.expect(0).out, "{\"n\":2}\n");
    // Columns that nothing describes.
    broker.topic("nameless", 1);
    let source = broker.source("o", "nameless");
    let ran =
        sql(&folder, &format!("SELECT * FROM o WITH ({source},'o.until'='latest','o.format'='avro','o.schema.registry.url'='{}')", registry.url)).expect(2);
    assert!(ran.err.contains(&format!("schema registry {} has no subject 'nameless-value', and no message tells a schema", registry.url)), "{}", ran.err);
}

fn what_is_written_is_read_by_fastavro(registry: &Registry, broker: &Broker) {
    broker.topic("copy-1", 1);
    let folder = Folder::new();
    let url = &registry.url;
    let text = format!(
        "SELECT id, status, amount, tax, at, seen, day, clock, hash, who, tags, counts, ratio, low, ok FROM o ORDER BY id INTO k
         WITH ({},'o.until'='latest','o.format'='avro','o.schema.registry.url'='{url}',{},'k.value.format'='avro','k.schema.registry.url'='{url}','k.key'='id')",
        broker.source("o", "orders"),
        broker.sink("k", "copy-1")
    );
    assert_balanced(&sql(&folder, &text).expect(0).job());
    let (number, schema) = registry.schema("copy-1-value");
    assert_eq!(schema["name"], "copy_1");
    let written = values(broker, "copy-1", 2);
    assert!(written.iter().all(|value| value[..5] == framed(number, b"")));
    let rows = decoded(&schema, &written.iter().map(|value| value[5..].to_vec()).collect::<Vec<_>>());
    let row = rows.iter().find(|row| row["id"] == 1).unwrap();
    assert_eq!(
        *row,
        json!({ "id": 1, "status": "PAID", "amount": "-12.30", "tax": "1.005", "at": "2024-01-05 10:00:00.123456+00:00", "seen": "2024-01-05 10:00:01.005000+00:00",
            "day": "2024-02-29", "clock": "23:59:59.999999", "hash": "01ff", "who": { "name": "Zoë", "age": 7 }, "tags": ["a", null, "a text that is longer than twelve bytes"],
            "counts": { "x": 1 }, "ratio": 0.1, "low": 1.5, "ok": true })
    );
    // The same messages by this program, and with the schema of the file written as it stands.
    let read = format!(
        "SELECT count(*) AS n, sum(amount) AS s FROM k WITH ({},'k.until'='latest','k.format'='avro','k.schema.registry.url'='{url}')",
        broker.source("k", "copy-1")
    );
    assert_eq!(sql(&folder, &read).expect(0).out, "{\"n\":2,\"s\":99999987.69}\n");
    broker.topic("copy-2", 1);
    folder.write("order.avsc", order().to_string());
    let text = format!(
        "SELECT * FROM o ORDER BY id DESC INTO k WITH ({},'o.until'='latest','o.format'='avro','o.schema.registry.url'='{url}',{},'k.format'='avro','k.schema.registry.url'='{url}','k.schema_file'='order.avsc')",
        broker.source("o", "orders"),
        broker.sink("k", "copy-2")
    );
    sql(&folder, &text).expect(0);
    assert_eq!(registry.schema("copy-2-value").1, order());
    assert_eq!(values(broker, "copy-2", 2), values(broker, "orders", 2), "to the byte");
}

fn messages_of_earlier_and_later_schemas_are_read(registry: &Registry, broker: &Broker) {
    broker.topic("versions", 1);
    let schema = |fields: Value| json!({ "type": "record", "name": "v", "fields": fields });
    let first = schema(json!([{ "name": "gone", "type": "string" }, { "name": "n", "type": "int" }]));
    let second = schema(json!([{ "name": "number", "type": "long", "aliases": ["n"] }, { "name": "added", "type": "string", "default": "none" }]));
    let third = schema(json!([{ "name": "number", "type": "long" }, { "name": "later", "type": ["null", "string"], "default": null }]));
    let numbers: Vec<u32> = [&first, &second].iter().map(|schema| registry.register("versions-value", schema)).collect();
    let other = registry.register("other-value", &third);
    let both = [
        framed(numbers[0], &encoded(&first, &["{'gone': 'x', 'n': 1}"])[0]),
        framed(numbers[1], &encoded(&second, &["{'number': 2, 'added': 'here'}"])[0]),
        framed(other, &encoded(&third, &["{'number': 3, 'later': 'l'}"])[0]),
    ];
    send(broker, "versions", &both);
    let folder = Folder::new();
    let source = format!("{},'v.until'='latest','v.format'='avro','v.schema.registry.url'='{}'", broker.source("v", "versions"), registry.url);
    let ran = sql(&folder, &format!("SELECT * FROM v ORDER BY number WITH ({source})")).expect(0);
    assert_eq!(ran.out, "{\"number\":1,\"added\":\"none\"}\n{\"number\":2,\"added\":\"here\"}\n{\"number\":3,\"added\":\"none\"}\n");
    folder.write("third.avsc", third.to_string());
    let text = format!("SELECT number, later FROM v WITH ({source},'v.schema_file'='third.avsc','failure_strategy'='LogAndContinue')");
    let ran = sql(&folder, &text).expect(0);
    assert_eq!(ran.out, "{\"number\":2,\"later\":null}\n{\"number\":3,\"later\":\"l\"}\n");
    assert!(ran.err.contains(&format!("versions, partition 0, offset 0: its schema ({}) has no field 'number', which is NOT NULL", numbers[0])), "{}", ran.err);
    let ran = sql(&folder, &format!("SELECT * FROM v WITH ({source},'v.schema'='n SMALLINT, number DECIMAL(10,1), later VARCHAR')")).expect(0);
    assert_eq!(ran.out, "{\"n\":1,\"number\":null,\"later\":null}\n{\"n\":null,\"number\":2.0,\"later\":null}\n{\"n\":null,\"number\":3.0,\"later\":\"l\"}\n");
}

fn messages_that_can_not_be_read_are_told_with_their_place(registry: &Registry, broker: &Broker) {
    broker.topic("bad", 1);
    let schema = json!({ "type": "record", "name": "b", "fields": [{ "name": "id", "type": "long" }] });
    let number = registry.register("bad-value", &schema);
    let good = encoded(&schema, &["{'id': 1}"]).remove(0);
    let sent = [framed(number, &good), framed(987_654, &good), framed(number, &[0x80]), b"{\"id\":5}".to_vec(), Vec::new(), framed(number, &good)];
    send(broker, "bad", &sent);
    let folder = Folder::new();
    for mode in ["batch", "stream"] {
        let text = format!(
            "SELECT id, _offset AS at FROM b WITH ({},'b.until'='latest','b.format'='avro','b.schema.registry.url'='{}','execution.mode'='{mode}'",
            broker.source("b", "bad"),
            registry.url
        );
        let ran = sql(&folder, &format!("{text},'failure_strategy'='LogAndContinue')")).expect(0);
        assert_eq!(ran.out, "{\"id\":1,\"at\":0}\n{\"id\":1,\"at\":5}\n");
        let job = ran.job();
        assert_eq!((job["in"].as_u64(), job["rejected"].as_u64()), (Some(6), Some(4)), "{job}");
        for (offset, reason) in [
            (1, format!("its schema (987654) is not known to the schema registry {}", registry.url)),
            (2, "field 'id': the value is damaged: it ends inside a number".to_owned()),
            (3, "it does not begin with a schema registry's prefix".to_owned()),
            (4, "it does not begin with a schema registry's prefix".to_owned()),
        ] {
            let ran = sql(&folder, &format!("{text},'b.start'='0:{offset}')")).expect(1);
            assert!(ran.err.contains(&format!("bad, partition 0, offset {offset}: {reason}")), "{}", ran.err);
        }
    }
}

fn schemas_that_do_not_go_with_earlier_ones_are_refused(registry: &Registry, broker: &Broker) {
    broker.topic("strict", 1);
    registry.register("strict-value", &json!({ "type": "record", "name": "strict", "fields": [{ "name": "id", "type": "long" }] }));
    registry.be_strict("strict-value");
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1,\"name\":\"n\"}\n");
    let write = |columns: &str, extra: &str| {
        let text = format!(
            "SELECT {columns} FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT NOT NULL, name VARCHAR NOT NULL',{},'k.format'='avro','k.schema.registry.url'='{}'{extra})",
            broker.sink("k", "strict"),
            registry.url
        );
        sql(&folder, &text)
    };
    let refused = write("id, name", "").expect(2).err;
    assert!(
        refused.contains(&format!("schema registry {}: the schema of the rows is not compatible with those of subject 'strict-value': ", registry.url)),
        "{refused}"
    );
    write("id", ",'k.auto.register.schemas'='false'").expect(0);
    write("id", "").expect(0);
    let unknown = write("id, CAST(name AS VARCHAR) AS other", ",'k.auto.register.schemas'='false'").expect(2).err;
    assert!(unknown.contains("does not have the schema of the rows under subject 'strict-value'"), "{unknown}");
}

fn subjects_are_called_after_topic_and_record(registry: &Registry, broker: &Broker) {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    for (strategy, topic, subject) in [
        ("topic", "s1", "s1-value"),
        ("record", "s2", "com.example.Thing"),
        ("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", "s3", "s3-com.example.Thing"),
    ] {
        broker.topic(topic, 1);
        let text = format!(
            "SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{},'k.format'='avro','k.schema.registry.url'='{}','k.subject.name.strategy'='{strategy}','k.avro.record.name'='com.example.Thing')",
            broker.sink("k", topic),
            registry.url
        );
        sql(&folder, &text).expect(0);
        assert_eq!(registry.schema(subject).1["name"], "Thing");
        // Without a subject of the topic, the columns are those of a message.
        let text =
            format!("SELECT * FROM k WITH ({},'k.until'='latest','k.format'='avro','k.schema.registry.url'='{}')", broker.source("k", topic), registry.url);
        assert_eq!(sql(&folder, &text).expect(0).out, "{\"id\":1}\n");
    }
}

fn users_and_authorities_are_checked(registry: &Registry, broker: &Broker) {
    let folder = Folder::new();
    let ca = registry.folder.path().join("ca.pem");
    let read = |url: &str, extra: &str| {
        let text = format!(
            "SELECT count(*) AS n FROM o WITH ({},'o.until'='latest','o.format'='avro','o.schema.registry.url'='{url}'{extra})",
            broker.source("o", "orders")
        );
        sql(&folder, &text)
    };
    let door = &registry.door;
    let authority = format!(",'o.schema.registry.ssl.ca.location'='{}'", ca.display());
    assert_eq!(read(door, &format!("{authority},'o.schema.registry.basic.auth.user.info'='bob:bob-secret'")).expect(0).out, "{\"n\":2}\n");
    let with_user = door.replace("https://", "https://bob:bob-secret@");
    assert_eq!(read(&with_user, &authority).expect(0).out, "{\"n\":2}\n");
    let refused = read(door, &format!("{authority},'o.schema.registry.basic.auth.user.info'='bob:hunter2-sentinel'")).expect(2).err;
    assert!(refused.contains(&format!("schema registry {door}: the user is refused (HTTP 401)")) && !refused.contains("sentinel"), "{refused}");
    let refused = read(&with_user.replace("bob-secret", "hunter3-sentinel"), &authority).expect(2).err;
    assert!(refused.contains("the user is refused") && !refused.contains("sentinel"), "{refused}");
    let refused = read(&with_user, "").expect(1).err;
    assert!(refused.contains("certificate verify failed") && !refused.contains("bob-secret"), "{refused}");
    let refused = read(&registry.url.replace("/apis/ccompat/v7", "/nothing"), "").expect(2).err;
    assert!(refused.contains("/nothing: what answers is no schema registry") && refused.contains("check the path of the address"), "{refused}");
}

/// The registry's door is not one that gives tokens, but it has a certificate of an authority that no system knows.
fn authorities_of_token_endpoints_are_checked(registry: &Registry) {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let source = "SELECT id FROM t WITH ('t.schema'='id BIGINT'";
    let sink = "SELECT id FROM a INTO t WITH ('a.type'='file','a.path'='a.jsonl'";
    for statement in [source, sink] {
        let told = |extra: &str| {
            let text = format!(
                "{statement},'t.type'='kafka','t.bootstrap.servers'='127.0.0.1:1','t.connect.timeout'='3s','t.security.protocol'='SASL_PLAINTEXT','t.sasl.mechanism'='OAUTHBEARER',
                 't.sasl.oauthbearer.method'='oidc','t.sasl.oauthbearer.client.id'='velo','t.sasl.oauthbearer.client.secret'='x-y-z',
                 't.sasl.oauthbearer.token.endpoint.url'='{}','max_retries'='0'{extra})",
                registry.door
            );
            let ran = sql(&folder, &text);
            assert_ne!(ran.status, 0);
            ran.err
        };
        let (without, with) = (told(""), told(&format!(",'t.https.ca.location'='{}'", registry.folder.path().join("ca.pem").display())));
        assert!(without.contains("certificate verify failed"), "{without}");
        assert!(with.contains("token endpoint") && !with.contains("certificate"), "{with}");
    }
}

fn a_stream_learns_schemas_while_it_runs(registry: &Registry, broker: &Broker) {
    broker.topic("live", 1);
    let schema = |fields: Value| json!({ "type": "record", "name": "l", "fields": fields });
    let first = schema(json!([{ "name": "id", "type": "long" }]));
    let second = schema(json!([{ "name": "before", "type": "string" }, { "name": "id", "type": "int" }]));
    let number = registry.register("live-value", &first);
    send(broker, "live", &[framed(number, &encoded(&first, &["{'id': 1}"])[0])]);
    let folder = Folder::new();
    let text = format!(
        "CREATE STREAM live AS SELECT id FROM l INTO o WITH ({},'l.format'='avro','l.schema.registry.url'='{}','o.type'='file','o.path'='o.jsonl')",
        broker.source("l", "live"),
        registry.url
    );
    let mut job = folder.start(&["--sql", &text]);
    let lines = || if folder.exists("o.jsonl") { folder.read("o.jsonl") } else { String::new() };
    eventually_or("the first row", || lines().lines().count() == 1, || job.log());
    let number = registry.register("live-value", &second);
    send(broker, "live", &[framed(number, &encoded(&second, &["{'before': 'b', 'id': 2}"])[0])]);
    eventually_or("the second row", || lines().lines().count() == 2, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(), "{\"id\":1}\n{\"id\":2}\n");
}

#[test]
fn without_a_registry_messages_are_bare_records_of_the_file() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("bare", 1);
    broker.topic("copy", 1);
    folder.write("order.avsc", order().to_string());
    let mut sent = encoded(&order(), &ROWS);
    let source = format!("{},'o.until'='latest','o.format'='avro','o.schema_file'='order.avsc'", broker.source("o", "bare"));
    send(&broker, "bare", &sent);
    assert_eq!(sql(&folder, &format!("SELECT * FROM o ORDER BY id WITH ({source})")).expect(0).out, JSON_ROWS);
    let text = format!("SELECT * FROM o INTO k WITH ({source},{},'k.format'='avro','k.schema_file'='order.avsc')", broker.sink("k", "copy"));
    sql(&folder, &text).expect(0);
    assert_eq!(values(&broker, "copy", 2), sent, "to the byte");
    // Rows that the schema can't hold.
    let text = format!(
        "SELECT id, CASE WHEN id = 1 THEN 'LOST' ELSE status END AS status, amount, at, day, clock, key, hash, who, tags, counts, extra, ratio, low, ok FROM o INTO k
         WITH ({source},{},'k.format'='avro','k.schema_file'='order.avsc','k.key'='status','failure_strategy'='LogAndContinue')",
        broker.sink("k", "copy")
    );
    let ran = sql(&folder, &text).expect(0);
    assert!(ran.err.contains("field 'status': 'LOST' is no symbol of the enum"), "{}", ran.err);
    assert_eq!((ran.job()["sinks"][0]["rejected"].as_u64(), values(&broker, "copy", 3).len()), (Some(1), 3), "{}", ran.job());
    // A registry's prefix that nobody expects.
    sent.iter_mut().for_each(|value| *value = framed(1, value));
    send(&broker, "bare", &sent);
    let ran = sql(&folder, &format!("SELECT count(*) AS n FROM o WITH ({source})")).expect(1);
    assert!(ran.err.contains("offset 2: ") && ran.err.contains("if it has a schema registry's prefix, set 'schema.registry.url'"), "{}", ran.err);
}

#[test]
fn what_avro_takes_is_checked_before_anything_is_asked() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    folder.write("a.jsonl", "{\"id\":1}\n");
    let read = format!("SELECT id FROM t WITH ({},'t.value.format'='avro','t.schema'='id BIGINT'", broker.source("t", "t"));
    let write = format!("SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.jsonl',{}", broker.sink("k", "t"));
    let missing = "is of format avro, but there is no schema registry: neither";
    for (text, expected) in [
        (format!("{read})"), missing),
        (format!("{read},'t.schema.registry.url'='')"), missing),
        (format!("{write},'k.format'='avro')"), missing),
        (format!("{read},'t.schema.registry.url'='localhost:8081')"), "'t.schema.registry.url' = 'localhost:8081' is no address of a schema registry"),
        (format!("{read},'t.schema.registry.url'='http://h','t.schema.registry.basic.auth.user.info'='hunter2')"), "is not of the form user:password"),
        (format!("{read},'t.schema.registry.url'='http://h','t.schema.registry.ssl.ca.location'='nosuch.pem')"), "cannot read nosuch.pem: No such file"),
        (format!("{write},'k.format'='avro','k.schema_file'='nosuch.avsc')"), "cannot read nosuch.avsc"),
        (format!("{write},'k.schema_file'='nosuch.avsc')"), "cannot read nosuch.avsc"),
        (format!("{write},'k.subject.name.strategy'='other')"), "expected topic, record or topic-record"),
        (format!("{write},'k.format'='avro','k.schema.registry.url'='http://h','k.avro.record.name'='a b')"), "'a b', is not a name in Avro"),
    ] {
        let ran = sql(&folder, &text).expect(2);
        assert!(ran.err.contains(expected) && !ran.err.contains("hunter2"), "{text}: {}", ran.err);
        folder.write("v.sql", &text);
        assert_eq!(folder.run(&["validate", "v.sql"]).status, 2, "{text}");
    }
    let ran = sql(&folder, &format!("{read},'t.until'='latest','t.schema.registry.url'='http://bob:hunter2-sentinel@127.0.0.1:1')")).expect(0);
    assert_eq!(ran.out, "", "no message, so nothing is asked");
    let ran = sql(&folder, &format!("{write},'k.format'='avro','k.schema.registry.url'='http://bob:hunter2-sentinel@127.0.0.1:1')")).expect(1);
    assert!(ran.err.contains("schema registry http://127.0.0.1:1: Connection refused") && !ran.err.contains("sentinel"), "{}", ran.err);
    broker.send("t", &[(None, &framed(1, &[2]))]);
    let ran =
        sql(&folder, &format!("{read},'t.until'='latest','t.schema.registry.url'='http://127.0.0.1:1','max_retries'='1','retry_backoff'='10')")).expect(1);
    assert!(ran.err.contains("schema registry http://127.0.0.1:1: Connection refused"), "{}", ran.err);
}

/// A registry that has some schemas, and can go away and come back.
struct Stand {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Stand {
    /// On any port for 0. `schemas`: schemas by number, from 1.
    fn start(port: u16, schemas: Vec<Value>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let serve = move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let mut connection = connection.unwrap();
                let mut head = [0; 4096];
                let length = connection.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..length]);
                let number = head.split_whitespace().nth(1).and_then(|path| path.rsplit('/').next()?.parse::<usize>().ok()).unwrap_or(0);
                let (status, body) = match number.checked_sub(1).and_then(|at| schemas.get(at)) {
                    Some(schema) => ("200 OK", json!({ "schema": schema.to_string() })),
                    None => ("404 Not Found", json!({ "error_code": 40403, "message": "Schema not found" })),
                };
                let body = body.to_string();
                let _gone = write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            }
        };
        Self { port, stop, thread: Some(std::thread::spawn(serve)) }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
        let _ended = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[test]
fn a_registry_that_goes_away_and_comes_back_costs_no_row() {
    let (folder, broker) = (Folder::new(), Broker::start());
    broker.topic("t", 1);
    let schemas = vec![
        json!({ "type": "record", "name": "r", "fields": [{ "name": "id", "type": "long" }] }),
        json!({ "type": "record", "name": "r", "fields": [{ "name": "id", "type": "int" }] }),
    ];
    let stand = Stand::start(0, schemas.clone());
    let port = stand.port;
    // The embedded broker lets a group that was left wait for nearly a session.
    let text = format!(
        "CREATE STREAM s AS SELECT id FROM t INTO o WITH ({},'t.format'='avro','t.schema'='id BIGINT','t.schema.registry.url'='http://127.0.0.1:{port}','o.type'='file',
         'o.path'='o.jsonl','max_retries'='20','retry_backoff'='200','t.session.timeout.ms'='6000')",
        broker.source("t", "t")
    );
    let mut job = folder.start(&["--sql", &text]);
    let lines = || if folder.exists("o.jsonl") { folder.read("o.jsonl") } else { String::new() };
    send(&broker, "t", &[framed(1, &[2])]);
    eventually_or("the first row", || lines().lines().count() == 1, || job.log());
    drop(stand);
    send(&broker, "t", &[framed(1, &[4]), framed(2, &[6])]);
    eventually_or("the loss is noticed", || job.log().contains(&format!("schema registry http://127.0.0.1:{port}: Connection refused")), || job.log());
    let _stand = Stand::start(port, schemas);
    eventually_or("the rest", || lines().lines().count() >= 3, || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert_eq!(lines(), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
}
