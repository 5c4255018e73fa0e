//! The JSON Schema that editors check configuration files with: it takes what the engine takes, and marks what the engine refuses.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::velo::Folder;

/// A schema as the program prints it.
pub struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    pub fn of(component: Option<&str>) -> Self {
        let arguments: Vec<&str> = ["options"].into_iter().chain(component).chain(["--format", "json-schema"]).collect();
        let text = Folder::new().run(&arguments).expect(0).out;
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("velo.json", schema).unwrap();
        let index = compiler.compile("velo.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    pub fn takes(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_ok()
    }
}

/// A YAML file as an editor reads it: plain scalars have the types of the core schema, aliases and merge keys are put in.
pub fn read(text: &str) -> Value {
    use saphyr_parser::{Event, ScalarStyle};
    let mut open: Vec<(Vec<Value>, bool, usize)> = vec![(Vec::new(), false, 0)];
    let mut anchors = std::collections::HashMap::new();
    for event in saphyr_parser::Parser::new_from_str(text) {
        let (value, anchor) = match event.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, anchor, _) => {
                let text = text.into_owned();
                let typed = match text.as_str() {
                    "" | "~" | "null" => Some(Value::Null),
                    "True" | "TRUE" => Some(json!(true)),
                    "False" | "FALSE" => Some(json!(false)),
                    plain => serde_json::from_str(plain).ok().filter(|value: &Value| value.is_number() || value.is_boolean()),
                };
                (typed.unwrap_or(Value::String(text)), anchor)
            }
            Event::Scalar(text, _, anchor, _) => (Value::String(text.into_owned()), anchor),
            Event::Alias(anchor) => (anchors.get(&anchor).cloned().unwrap(), 0),
            Event::SequenceStart(anchor, _) => {
                open.push((Vec::new(), false, anchor));
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push((Vec::new(), true, anchor));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (values, is_map, anchor) = open.pop().unwrap();
                (if is_map { map(&values) } else { Value::Array(values) }, anchor)
            }
            _ => continue,
        };
        anchors.insert(anchor, value.clone());
        open.last_mut().unwrap().0.push(value);
    }
    open.remove(0).0.into_iter().next().unwrap_or_else(|| json!({}))
}

/// A map of keys and values that take turns.
fn map(values: &[Value]) -> Value {
    let (mut merged, mut own) = (serde_json::Map::new(), serde_json::Map::new());
    for pair in values.chunks(2) {
        match (pair[0].as_str(), &pair[1]) {
            (Some("<<"), Value::Object(inner)) => merged.extend(inner.clone()),
            (Some(key), value) => {
                own.insert(key.to_owned(), value.clone());
            }
            (None, value) => panic!("a key is no text, before {value}"),
        }
    }
    merged.extend(own);
    merged.into()
}

/// What `validate` says of a file with the settings of a source, or of a sink.
fn is_valid(folder: &Folder, yaml: &str, role: &str) -> bool {
    folder.write("x.yaml", yaml);
    folder.write("in.csv", "id\n1\n");
    let script = match role {
        "source" => "SELECT id FROM x WITH ('x.config_file'='x.yaml')",
        _ => "SELECT id, 1 AS n FROM i INTO x WITH ('i.type'='file','i.path'='in.csv','x.config_file'='x.yaml')",
    };
    folder.write("s.sql", script);
    match folder.run(&["validate", "s.sql"]) {
        ran if ran.status == 0 => true,
        ran => {
            assert_eq!(ran.status, 2, "{}", ran.err);
            false
        }
    }
}

#[test]
fn the_schema_and_the_engine_agree() {
    let (schema, folder) = (Schema::of(None), Folder::new());
    let brokers = "bootstrap.servers: localhost:9092\n";
    let source = |text: &str| format!("type: kafka_source\n{brokers}schema: id BIGINT\n{text}");
    let sink = |text: &str| format!("type: file_sink\npath: out.csv\n{text}");
    for (role, yaml) in [
        ("source", "type: file_source\npath: in.csv\nhas_headers: true\nbatch:\n  size: 500\n  timeout: 2s\n".to_owned()),
        ("source", "type: File\npath: in.csv\nhas_headers: \"TRUE\"\nbatch.size: \"500\"\nbatch_timeout: 1000\n".to_owned()),
        ("source", "type: file\nsource: {path: in.csv, format: csv}\nsource.delimiter: \",\"\n".to_owned()),
        ("source", "<<: {path: in.csv}\ntype: file\nfailure_strategy: log_and_continue\n".to_owned()),
        ("source", source("topic: [a, b]\nsecurity.protocol: plaintext\nsession: {timeout.ms: 30000}\nfetch.max.wait.ms: 10\nclient.id: me\n")),
        ("source", source("fetch:\n  min.bytes: 3\n  max:\n    wait.ms: 7\nlinger.ms: 5\nstart: 2024-01-05\n")),
        (
            "sink",
            sink("compression: GZIP\nrotation: hourly\nroll: {size: 16 MiB, interval: 5}\npartition_columns: [id]\n")
                .replace("path: out.csv", "path: out\nformat: csv"),
        ),
        ("sink", format!("type: kafka\n{brokers}acks: all\nbatch.size: 65536\nkey: [id]\nlinger:\n  ms: 50\n")),
    ] {
        assert!(is_valid(&folder, &yaml, role), "the engine refuses\n{yaml}");
        assert!(schema.takes(&read(&yaml)), "the schema refuses\n{yaml}");
    }
    for (role, yaml) in [
        ("source", "type: file_source\npath: in.csv\nhas_haeders: true\n".to_owned()),
        ("source", "type: file_source\npath: in.csv\nhas_headers: 7\n".to_owned()),
        ("source", "type: file_source\npath: in.csv\nbatch:\n  sise: 500\n".to_owned()),
        ("source", "type: file_source\npath: in.csv\nbatch:\n  size: many\n".to_owned()),
        ("source", "type: file_source\npath: in.csv\nbatch.timeout: 5 minutes\n".to_owned()),
        ("source", "type: file_source\npath: in.csv\nfollow:\n".to_owned()),
        ("source", "type: kafka_source\ntopic: t\npath: in.csv\nschema: id BIGINT\nbootstrap.servers: b:1\n".to_owned()),
        ("source", source("fetch.min.byte: 1\n")),
        ("source", source("max.poll.records: -1\n")),
        ("source", source("config_file: other.yaml\n")),
        ("sink", sink("rotation: weekly\n")),
        ("sink", sink("max_record_size: 5MiB\n")),
        ("sink", sink("roll.size: 5 potatoes\n")),
        ("sink", "type: iceberg\n".to_owned()),
    ] {
        assert!(!is_valid(&folder, &yaml, role), "the engine takes\n{yaml}");
        assert!(!schema.takes(&read(&yaml)), "the schema takes\n{yaml}");
    }
}

#[test]
fn files_that_others_extend_and_texts_with_variables_are_valid() {
    let schema = Schema::of(None);
    for yaml in [
        "bootstrap.servers: \"${KAFKA_BROKERS:-localhost:9092}\"\nsession.timeout.ms: ${TIMEOUT}\nlinger.ms: 10\nenable.idempotence: ${IDEMPOTENT:-true}\n",
        "extends: base.yaml\npath: ${DATA}/in.csv\nformat: ${FORMAT}\nmax_files: 30\nfollow: true\n",
        "type: ${KIND}\nfollow: ${FOLLOW}\ntopic: x\n",
        "",
    ] {
        assert!(schema.takes(&read(yaml)), "{yaml}");
    }
    for yaml in ["bootstrap.server: b:1\n", "extend: base.yaml\n", "session.timeout.ms: soon\n", "- a\n"] {
        assert!(!schema.takes(&read(yaml)), "{yaml}");
    }
}

#[test]
fn the_schema_of_one_component_knows_its_keys_only() {
    let schema = Schema::of(Some("file_sink"));
    assert!(schema.takes(&json!({"type": "file_sink", "path": "x.csv", "append": true})));
    assert!(!schema.takes(&json!({"path": "x.csv", "follow": true})) && !schema.takes(&json!({"topic": "x"})));
    let refused = Folder::new().run(&["options", "job", "--format", "json-schema"]).expect(2);
    assert!(refused.err.contains("no files are made of the keys of 'job' alone"), "{}", refused.err);
}

#[test]
fn application_files_are_checked_by_a_schema_of_their_own() {
    let schema = Schema::of(Some("application"));
    let text = "active_profile: ${VELO_PROFILE:-development}\nscript: jobs/orders.sql\nVELO_MAX_JOBS: 12\nprofiles:\n  base: &base\n    log_level: INFO\n    batch_size: 1000\n  \
                development:\n    <<: *base\n    kafka_brokers: [a:1, b:2]\n    batch: {strategy: low_latency}\n    topics: {orders: o}\n    metrics_enabled: true\n";
    assert!(schema.takes(&read(text)), "{text}");
    for (right, wrong) in [
        ("INFO", "loud"),
        ("1000", "many"),
        ("VELO_MAX_JOBS: 12", "VELO_MAX_JOBS: few"),
        ("low_latency", "slow"),
        ("metrics_enabled: true", "metrics_enabled: 7"),
    ] {
        let text = text.replace(right, wrong);
        assert!(!schema.takes(&read(&text)), "{text}");
    }
}

/// Whether `validate` takes an application file.
fn is_valid_application(folder: &Folder, yaml: &str) -> bool {
    folder.write("app.yaml", yaml);
    let ran = folder.run(&["validate", "s.sql", "--config", "app.yaml"]);
    assert!(matches!(ran.status, 0 | 2), "{}", ran.err);
    ran.status == 0
}

#[test]
fn the_schema_of_application_files_and_the_engine_agree_on_every_key() {
    let (schema, folder) = (Schema::of(Some("application")), Folder::new());
    folder.write("in.csv", "id\n1\n");
    folder.write("s.sql", "SELECT id FROM x WITH ('x.type'='file','x.path'='in.csv','x.schema'='id BIGINT')");
    let mut keys: Vec<String> = Vec::new();
    for component in ["job", "application"] {
        let listed: Value = serde_json::from_str(&folder.run(&["options", component, "--format", "json"]).expect(0).out).unwrap();
        keys.extend(listed.as_array().unwrap().iter().map(|option| option["key"].as_str().unwrap().to_owned()));
    }
    assert!(keys.len() > 30, "{keys:?}");
    // Others follow from these.
    keys.retain(|key| !["profiles", "active_profile", "script"].contains(&key.as_str()));
    let mut wrong = Vec::new();
    for key in &keys {
        for value in ["1", "0", "-1", "true", "soon", "\"20\"", "2s", "[a, b]", "{a: 1}", "${HOME_OF_NOBODY:-3}", ""] {
            let in_profile = format!("active_profile: p\nprofiles:\n  p:\n    {key}: {value}\n");
            for yaml in [Some(format!("{key}: {value}\n")), Some(in_profile).filter(|_| ["1", ""].contains(&value))].into_iter().flatten() {
                let (engine, schema) = (is_valid_application(&folder, &yaml), schema.takes(&read(&yaml)));
                // What a variable stands for is not known to an editor.
                if engine != schema && !(schema && value.starts_with("${")) {
                    wrong.push(format!("engine {engine}, schema {schema}: {yaml}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_schema_of_application_files_and_the_engine_agree_on_names() {
    let (schema, folder) = (Schema::of(Some("application")), Folder::new());
    folder.write("in.csv", "id\n1\n");
    folder.write("s.sql", "SELECT id FROM x WITH ('x.type'='file','x.path'='in.csv','x.schema'='id BIGINT')");
    for yaml in [
        "",
        "topic: orders\n",
        "folder: data\nvelocity: 3\nVELO_ENCRYPTION_KEY: abc\n",
        "topics: {orders: {live: o, old: [a, 1]}}\n",
        "profiles: {dev: }\nactive_profile: dev\n",
        "profiles:\nactive_profile:\n",
        "profiles: {dev: {batch_size: 5, a: b}}\nactive_profile: dev\n",
        "state: {ttl: 5m}\nstate.of_the_art: yes\n",
    ] {
        assert!(is_valid_application(&folder, yaml), "the engine refuses\n{yaml}");
        assert!(schema.takes(&read(yaml)), "the schema refuses\n{yaml}");
    }
    for names in [
        "VELO_MAX_JOB: 3",
        "velo_max_jobs: 3",
        "VELO_PROFILE: dev",
        "VELO_CONFIG_FILE: x.yaml",
        "extends: base.yaml",
        "extends: {a: b}",
        "bootstrap.servers: b:1",
        "bootstrap: {servers: b:1}",
        "source.topic: x",
        "sink: {bootstrap: {servers: x}}",
        "memory.limit: 5M",
        "state.disk_limit: 5MB",
        "state: {disk_limit: 5MB}",
        "lanes: 2",
        "1a: 5",
        "a b: 5",
        "a: {b c: 5}",
        "a: ",
        "a: [1, [2]]",
        "profiles.dev: 5",
        "active_profile.x: 5",
    ] {
        for yaml in [format!("{names}\n"), format!("active_profile: p\nprofiles:\n  p:\n    {names}\n")] {
            assert!(!is_valid_application(&folder, &yaml), "the engine takes\n{yaml}");
            assert!(!schema.takes(&read(&yaml)), "the schema takes\n{yaml}");
        }
    }
    for yaml in ["- a\n", "profiles: [a]\n", "profiles: {a: 5}\nactive_profile: a\n", "active_profile: p\nprofiles: {p: {profiles: {a: {b: 1}}}}\n"] {
        assert!(!is_valid_application(&folder, yaml), "the engine takes\n{yaml}");
        assert!(!schema.takes(&read(yaml)), "the schema takes\n{yaml}");
    }
}

/// The YAML files of the repository and those that its pages show.
fn files() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    ["configs", "docs"].iter().for_each(|folder| walk(&root.join(folder), &mut found));
    let mut files = Vec::new();
    for path in found {
        let (name, kind) = (path.display().to_string(), path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_owned());
        match kind.as_str() {
            "yaml" | "yml" => files.push((name, std::fs::read_to_string(&path).unwrap())),
            "md" => {
                let text = std::fs::read_to_string(&path).unwrap();
                let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
                files.extend(blocks.map(|block| (name.clone(), block.to_owned())));
            }
            _ => {}
        }
    }
    files
}

#[test]
fn every_file_of_the_repository_and_of_its_pages_is_valid() {
    let (settings, application) = (Schema::of(None), Schema::of(Some("application")));
    let files = files();
    assert!(files.len() > 1, "{files:?}");
    for (name, text) in files {
        let document = read(&text);
        let is_application = ["profiles", "script"].iter().any(|key| document.get(key).is_some());
        let schema = if is_application { &application } else { &settings };
        // Of kinds that this build does not have.
        let is_later = ["shop/members.yaml", "shop/warehouse.yaml", "plant/vessels.yaml"].iter().any(|later| name.ends_with(later));
        assert_eq!(schema.takes(&document), !is_later, "{name}:\n{text}");
    }
}

#[test]
fn values_that_only_some_keys_have_are_known_to_the_schema() {
    let (schema, folder) = (Schema::of(None), Folder::new());
    let kafka = "type: kafka_source\nbootstrap.servers: b:1\nschema: id BIGINT\n";
    let (file, sink) = ("type: file_source\npath: in.csv\n", "type: file_sink\n");
    for (base, lines, role, right) in [
        (kafka, "start: 0:15\nuntil: LATEST\n", "source", true),
        (kafka, "start: [0:15, 1:3]\nuntil: 1704448800000\n", "source", true),
        (kafka, "start: 2024-01-05 11:00:00+01:00\nuntil: 2024-01-05T10:00:00Z\n", "source", true),
        (kafka, "start: noon\n", "source", false),
        (kafka, "until: 0;15\n", "source", false),
        (kafka, "start: -5\n", "source", false),
        (kafka, "topic: [a, b]\n", "source", true),
        (kafka, "group.id: [a, b]\n", "source", false),
        (kafka, "sasl.username: [a]\n", "source", false),
        (file, "event_time: [id]\n", "source", false),
        (file, "schema: [id BIGINT, n INT]\n", "source", true),
        ("type: file_source\n", "path: ''\n", "source", false),
        ("type: file_source\n", "path: [in.csv]\n", "source", false),
        (sink, "path: ''\n", "sink", false),
        (sink, "path: out.csv\nroll.size: 1MB\nmax_files: 1\n", "sink", true),
        (sink, "path: out.csv\nroll.size: 1MB\nmax_files: 0\n", "sink", false),
        (sink, "path: out.csv\nroll.size: 0\n", "sink", false),
        (sink, "path: out.csv\nroll.size: 0KB\n", "sink", false),
        (sink, "path: out.csv\nroll.interval: 0\n", "sink", false),
        (sink, "path: out.csv\nroll.interval: 0s\n", "sink", false),
    ] {
        let yaml = format!("{base}{lines}");
        assert_eq!(is_valid(&folder, &yaml, role), right, "the engine, of\n{yaml}");
        assert_eq!(schema.takes(&read(&yaml)), right, "the schema, of\n{yaml}");
    }
}
