//! What a connector finds wrong with a setting is told with the key as it was written, and its place.

use crate::velo::Folder;

const SOURCE: &str = "type: kafka_source\nbootstrap.servers: 127.0.0.1:1\nschema: id INT, v BOOLEAN\n";
const SINK: &str = "type: kafka_sink\nbootstrap.servers: 127.0.0.1:1\n";
const KAFKA_TO_FILE: &str = "SELECT id FROM k INTO o WITH ('k.config_file'='k.yaml','o.type'='file_sink','o.path'='o.json')";
const FILE_TO_KAFKA: &str = "SELECT id, v FROM a INTO k WITH ('k.config_file'='k.yaml','a.type'='file_source','a.path'='a.csv')";

/// What is told of a statement.
fn told(folder: &Folder, sql: &str) -> String {
    folder.write("q.sql", sql);
    folder.run(&["validate", "q.sql"]).expect(2).err
}

#[test]
fn faults_of_settings_in_files_name_key_file_and_line() {
    let folder = Folder::new();
    folder.write("a.csv", "id,v\n1,2\n");
    let cases = [
        (SOURCE, "topic: ''", "'k.topic' names no topic"),
        (SOURCE, "source.topic: ^a(", "'k.source.topic' = '^a(' is not a regular expression: unclosed group"),
        // The client would cut these to 32 bits.
        (SOURCE, "session.timeout.ms: 4294967297", "'k.session.timeout.ms': 4294967297 is not within 1 and 3600000"),
        (SOURCE, "socket.send.buffer.bytes: 4294967297", "'k.socket.send.buffer.bytes': 4294967297 is not within 0 and 100000000"),
        (SOURCE, "fetch.wait.max.ms: 999999999", "'k.fetch.wait.max.ms': 999999999 is not within 0 and 300000"),
        (SOURCE, "max.poll.interval.ms: 10", "the Kafka client refuses the settings of 'k': `max.poll.interval.ms`"),
        (SOURCE, "security.protocol: ' '", "'k.security.protocol' = ' ' is not a security protocol: expected plaintext, ssl, sasl_plaintext or sasl_ssl"),
        (SOURCE, "security.protocol: sasl_ssl", "'k.sasl.mechanism' is missing"),
        (SOURCE, "sasl.mechanisms: FOO", "'k.sasl.mechanisms' = 'FOO' is not a mechanism"),
        (SOURCE, "sasl.oauthbearer.method: x", "'k.sasl.oauthbearer.method' = 'x' is not a method: expected default or oidc"),
        (SOURCE, "event_time: foo bar", "'k.event_time' = 'foo bar': Expected: end of expression, found: bar"),
        (SOURCE, "event_time: nix", "'k.event_time' = 'nix': No field named nix"),
        (SOURCE, "event_time: v", "'k.event_time' is Boolean; expected a timestamp"),
        (SOURCE, "format: avro", "'k' is of format avro, but there is no schema registry"),
        (SOURCE, "schema.registry.url: localhost:8081\nformat: avro", "'k.schema.registry.url' = 'localhost:8081' is no address of a schema registry"),
        (SOURCE, "ssl.ca.location: /nope\nsecurity.protocol: ssl", "the Kafka client refuses the settings of 'k': ssl.ca.location failed"),
        (SINK, "schema_file: gone.avsc\nformat: avro", "'k.schema_file': cannot read gone.avsc: No such file or directory"),
        (SINK, "topic: a b", "'k.topic' = 'a b' is not the name of a topic"),
        (SINK, "acks: foo", "'k.acks' = 'foo' is not a number of replicas: expected all, 1, 0 or -1"),
        (SINK, "request.required.acks: 1", "'k.request.required.acks' must be all while 'k.enable.idempotence' is true"),
        (SINK, "queue.buffering.max.ms: 99999999", "'k.queue.buffering.max.ms': 99999999 is not within 0 and 900000"),
        (SINK, "compression.codec: foo", "'k.compression.codec' = 'foo' is not a compression: expected none, gzip, snappy, lz4 or zstd"),
        (SINK, "batch.size: 0", "'k.batch.size': 0 is not within 1 and 2147483647"),
        (SINK, "topic.partitions: 4294967297", "'k.topic.partitions' = '4294967297' is not a count"),
        (SINK, "topic.replication.factor: 40000", "'k.topic.replication.factor' = '40000' is not a count: expected a number from 1 to 32767"),
        (SINK, "key: nix", "'k.key' names 'nix', which is no column of the statement"),
        (SINK, "headers: [id, nix]", "'k.headers' names 'nix', which is no column of the statement"),
        (SINK, "timestamp: v", "'k.timestamp' names a column of type BIGINT; expected a TIMESTAMP"),
    ];
    for (file, line, expected) in cases {
        folder.write("k.yaml", format!("{file}{line}\n"));
        let told = told(&folder, if file == SOURCE { KAFKA_TO_FILE } else { FILE_TO_KAFKA });
        let number = file.lines().count() + 1;
        assert!(told.contains(&format!("Error: k.yaml:{number}: {expected}")), "{line}: {told}");
        assert_eq!(told.matches("Error: ").count(), 1, "{line}: {told}");
    }
}

#[test]
fn faults_of_settings_in_a_statement_point_at_the_value() {
    let folder = Folder::new();
    folder.write("a.csv", "id,v\n1,2\n");
    let source = |settings: &str| format!("SELECT id FROM a INTO k WITH ('k.type'='file_sink','k.path'='o.json','a.type'='file_source',{settings})");
    let sink = |settings: &str| format!("SELECT id, v FROM a INTO k WITH ('k.type'='file_sink',{settings},'a.type'='file_source','a.path'='a.csv')");
    let path = "'k.path'='o.json'";
    let cases = [
        (source("'a.source.path'=''"), "'a.source.path' = '' is not a path: expected a path, found an empty text", "'a.source.path'="),
        (source("'a.path'='[a.csv'"), "'[a.csv' is not a pattern", "'a.path'="),
        (source("'a.path'='a.csv','a.start'='latest'"), "'a.start' = 'latest' needs 'follow'", "'a.start'="),
        (source("'a.path'='a.csv','a.event_time'='nix'"), "'a.event_time' = 'nix': No field", "'a.event_time'="),
        (sink("'k.path'=' '"), "'k.path' = ' ' names no file", "'k.path'="),
        (sink(&format!("{path},'k.max_files'='0'")), "'k.max_files' = '0' is not a count: expected 1 or more", "'k.max_files'="),
        (sink(&format!("{path},'k.encryption'='AES256'")), "'k.encryption' is set, but there is no key", "'k.encryption'="),
        (sink(&format!("{path},'k.encryption'='AES256','k.encryption.key'='x'")), "'k.encryption.key' is not base64", "'k.encryption.key'="),
        (sink(&format!("{path},'k.compression'='snappy'")), "'k.compression': json files can't be compressed that way", "'k.compression'="),
        (sink("'k.path'='o','k.format'='json','k.partition_columns'='id,v'"), "'k.partition_columns' are all columns", "'k.partition_columns'="),
    ];
    for (sql, expected, key) in cases {
        let told = told(&folder, &sql);
        let column = sql.find(key).expect("in the statement") + key.len() + 1;
        assert!(told.contains(&format!("Error: {expected}")) && told.contains(&format!("q.sql:1:{column} ")), "{expected}, column {column}: {told}");
    }
}

#[test]
fn a_list_is_no_single_value_and_an_empty_one_is_none() {
    let folder = Folder::new();
    folder.write("a.csv", "id,v\n1,2\n");
    let sql = "SELECT id FROM a WITH ('a.type'='file_source','a.config_file'='a.yaml')";
    for (line, expected) in [
        ("path: [a.csv]", "a.yaml:1: 'a.path' = 'a.csv' is not a path: expected one value, found a list"),
        ("path: []", "a.yaml:1: 'path' is a list of nothing"),
        ("extends: [b.yaml]", "a.yaml:1: 'extends' is a list; a file extends one other"),
    ] {
        folder.write("a.yaml", format!("{line}\n"));
        assert!(told(&folder, sql).contains(expected), "{line}: {}", told(&folder, sql));
    }
    folder.write("a.yaml", "path: a.csv\n");
    for (line, expected) in [
        ("script: [a.sql]", "app.yaml:1: 'script' = 'a.sql': expected one value, found a list"),
        ("kafka_brokers: []", "app.yaml:1: 'kafka_brokers' is a list of nothing"),
        ("VELO_MAX_JOBS: ''", "app.yaml:1: VELO_MAX_JOBS = '': expected a count of 1 or more"),
        ("memory.limit: 0", "app.yaml:1: 'memory.limit' = '0' is not a number of bytes: expected more than 0"),
    ] {
        folder.write("app.yaml", format!("{line}\n"));
        let told = folder.run(&["--sql", sql, "--config", "app.yaml"]).expect(2).err;
        assert!(told.contains(expected), "{line}: {told}");
    }
    // A list of one is one where lists are meant.
    folder.write("k.yaml", "type: kafka_source\nbootstrap.servers: [127.0.0.1:1]\ntopic: [t]\nschema: id INT\n");
    folder.write("q.sql", KAFKA_TO_FILE);
    folder.run(&["validate", "q.sql"]).expect(0);
}

#[test]
fn variables_written_as_elsewhere_are_told_how_they_are_written_here() {
    let folder = Folder::new();
    folder.write("a.csv", "id,v\n1,2\n");
    let sql = |path: &str| format!("SELECT id FROM a WITH ('a.type'='file_source','a.path'='{path}')");
    for (path, advice) in [("${DATA-x}/a.csv", "a default stands behind ':-': ${DATA:-x}"), ("${env.DATA}/a.csv", "write ${DATA}")] {
        let told = folder.run_with(&["--sql", &sql(path)], &[("DATA", ".")], b"").expect(2).err;
        assert!(told.contains("is not set; 'a.path' needs it") && told.contains(advice), "{told}");
    }
    let told = folder.run_with(&["--sql", &sql("$DATA/a.csv")], &[("DATA", ".")], b"");
    assert!(told.err.contains("$DATA/a.csv"), "it stays as it is: {}", told.err);
    folder.write("$DATA.csv", "id\n1\n");
    let warned = folder.run_with(&["--sql", &sql("$DATA.csv")], &[("DATA", ".")], b"").expect(0);
    assert!(warned.err.contains("'a.path' has $DATA in it, which stays as it is; the variable is written ${DATA}"), "{}", warned.err);
    let unset = folder.run(&["--sql", &sql("$DATA.csv")]).expect(0);
    assert!(!unset.err.contains("stays as it is"), "{}", unset.err);
}

#[test]
fn keys_of_a_source_in_an_application_file_are_told() {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder.write("app.yaml", "a.paht: other.csv\nelse.paht: 1\n");
    let sql = "SELECT id FROM a WITH ('a.type'='file_source','a.path'='a.csv')";
    let ran = folder.run(&["--sql", sql, "--config", "app.yaml"]).expect(0);
    assert!(ran.err.contains("app.yaml:1: nothing uses the variable 'a.paht'; to set it for a source or sink, write it into WITH"), "{}", ran.err);
    assert!(!ran.err.contains("else.paht"), "{}", ran.err);
}

#[test]
fn the_active_profile_may_be_named_by_a_key_of_the_file() {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder.write("app.yaml", "stage: ${STAGE:-dev}\nactive_profile: ${stage}\nprofiles:\n  dev: {file: a.csv}\n  live: {file: nix.csv}\n");
    let sql = "SELECT id FROM a WITH ('a.type'='file_source','a.path'='${file}')";
    folder.run(&["--sql", sql, "--config", "app.yaml"]).expect(0);
    let live = folder.run_with(&["--sql", sql, "--config", "app.yaml"], &[("STAGE", "live")], b"").expect(2);
    assert!(live.err.contains("nix.csv"), "{}", live.err);
}

#[test]
fn validate_says_nothing_when_asked_to_be_quiet() {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    folder.write("q.sql", "SELECT id FROM a WITH ('a.type'='file_source','a.path'='a.csv')");
    assert_eq!(folder.run(&["validate", "-q", "q.sql"]).expect(0).err, "");
    folder.write("q.sql", "SELECT nix FROM a WITH ('a.type'='file_source','a.path'='a.csv')");
    assert!(folder.run(&["validate", "-q", "q.sql"]).expect(2).err.starts_with("Error: "));
}

#[test]
fn the_key_that_is_zero_and_a_file_of_columns_are_named() {
    let folder = Folder::new();
    folder.write("a.csv", "id,v\n1,2\n");
    let sql = "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.csv','o.config_file'='o.yaml')";
    for (line, key) in [("roll.interval: 0", "roll.interval"), ("roll.size: 0", "roll.size"), ("max_files: 0\nroll.size: 1MB", "max_files")] {
        folder.write("o.yaml", format!("type: file_sink\npath: o.json\n{line}\n"));
        let told = told(&folder, sql);
        assert!(told.contains(&format!("Error: o.yaml:3: 'o.{key}'")), "{told}");
    }
    folder.write("a.yaml", "path: a.csv\nschema_file: gone.sql\n");
    let told = told(&folder, "SELECT id FROM a WITH ('a.type'='file','a.config_file'='a.yaml')");
    assert!(told.contains("Error: a.yaml:2: 'a.schema_file': cannot read gone.sql: No such file or directory"), "{told}");
    // A password is not told, whatever it stands in.
    folder.write("k.yaml", format!("{SOURCE}schema.registry.url: bob:s3ntinel@localhost:8081\nformat: avro\n"));
    let told = self::told(&folder, KAFKA_TO_FILE);
    assert!(told.contains("'k.schema.registry.url' = '****@localhost:8081' is no address") && !told.contains("s3ntinel"), "{told}");
}
