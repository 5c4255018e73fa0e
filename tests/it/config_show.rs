//! `config show`: what counts of a file, where it stands, and no secret.

use crate::velo::{Folder, Ran};

/// The lines of a table, each with its columns.
fn table(ran: &Ran) -> Vec<Vec<String>> {
    ran.out.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()).collect()
}

#[test]
fn files_can_be_looked_at_and_no_secret_is_told() {
    let folder = Folder::new();
    folder.write("conf/base.yaml", "topic: orders\nsasl.password: ${PASSWORD:-hunter22}\nbootstrap.servers: [a:1, b:2]\n");
    folder.write(
        "conf/dev/orders.yaml",
        "extends: ../base.yaml\ntopic: orders-${STAGE:-dev}\nheader: ${file:token}\nunset: ${NOPE}\nbatch: {size: 1}\nbatch.size: 2\n",
    );
    folder.write("token", "t0ken-t0ken\n");
    let shown = folder.run_with(&["config", "show", "conf/dev/orders.yaml"], &[("STAGE", "live")], b"").expect(0);
    let expected = [
        &["key", "value", "origin"][..],
        &["batch.size", "2", "conf/dev/orders.yaml:6"],
        &["bootstrap.servers", "a:1, b:2", "conf/dev/../base.yaml:3"],
        &["header", "****", "conf/dev/orders.yaml:3, with ${file:token}; unknown key; nearest: headers"],
        &["sasl.password", "****", "conf/dev/../base.yaml:2"],
        &["topic", "orders-live", "conf/dev/orders.yaml:2, with ${STAGE}"],
        &["unset", "${NOPE}", "conf/dev/orders.yaml:4; environment variable NOPE is not set; 'unset' needs it"],
    ];
    assert_eq!(table(&shown), expected, "{}", shown.out);
    assert!(shown.err.is_empty());
    let broken = folder.run(&["config", "show", "token"]).expect(2);
    assert!(broken.err.starts_with("Error: token:1: "), "{}", broken.err);
    let gone = folder.run(&["config", "show", "gone.yaml"]).expect(2);
    assert_eq!(gone.err, "Error: cannot read gone.yaml: No such file or directory\n");
}

const APPLICATION: &str = "active_profile: ${STAGE:-dev}\nVELO_MAX_JOBS: 3\nbatch_size: 7\nfolder: data\nprofiles:\n  dev:\n    batch.size: 9\n  live:\n    greeting: hello ${API_TOKEN}\n    kafka_brokers: ${KAFKA_BROKERS}\n    folder: [a, b]\n";

#[test]
fn an_application_file_is_shown_with_its_profile() {
    let folder = Folder::new();
    folder.write("app.yaml", APPLICATION);
    let shown =
        |arguments: &[&str], variables: &[(&str, &str)]| folder.run_with(&[&["config", "show", "app.yaml"], arguments].concat(), variables, b"").expect(0);
    let dev = [
        &["key", "value", "origin"][..],
        &["VELO_MAX_JOBS", "5", "environment variable VELO_MAX_JOBS"],
        &["active_profile", "dev", "app.yaml:1"],
        &["batch.size", "9", "app.yaml:7 (profile dev)"],
        &["folder", "data", "app.yaml:4"],
    ];
    assert_eq!(table(&shown(&[], &[("VELO_MAX_JOBS", "5"), ("batch_size", "no setting")])), dev);
    let live = shown(&["--profile", "live", "--format", "json"], &[("API_TOKEN", "s3cret-s3cret")]);
    let live: serde_json::Value = serde_json::from_str(&live.out).unwrap();
    let expected = serde_json::json!([
        {"key": "VELO_MAX_JOBS", "value": "3", "origin": "app.yaml:2"},
        {"key": "active_profile", "value": "live", "origin": "--profile"},
        {"key": "batch_size", "value": "7", "origin": "app.yaml:3"},
        {"key": "folder", "value": "a, b", "origin": "app.yaml:11", "profile": "live"},
        {"key": "greeting", "value": "****", "origin": "app.yaml:9, with ${API_TOKEN}", "profile": "live"},
        {"key": "kafka_brokers", "value": "${KAFKA_BROKERS}", "origin": "app.yaml:10", "profile": "live",
            "fault": "environment variable KAFKA_BROKERS is not set; 'kafka_brokers' needs it"},
    ]);
    assert_eq!(live, expected);
    let wrong = folder.run_with(&["config", "show", "app.yaml"], &[("VELO_PROFILE", "lvie")], b"").expect(2);
    assert!(wrong.err.contains("app.yaml has no profile 'lvie'\n  nearest: live"), "{}", wrong.err);
    // A file of settings sees the variables of the application file, as when it is run.
    folder.write("velo.yaml", APPLICATION);
    folder.write("t.yaml", "path: ${folder}/t.csv\n");
    let settings = folder.run(&["config", "show", "t.yaml", "--profile", "dev"]).expect(0);
    assert_eq!(table(&settings)[1], ["path", "data/t.csv", "t.yaml:1, with ${folder}"]);
}

#[test]
fn spellings_of_a_key_are_one_setting_and_a_file_of_variables_is_no_file_of_settings() {
    let folder = Folder::new();
    folder.write("base.yaml", "type: kafka\nbatch_size: 5\nsource.topic: a\nbatch_timeout: 3\n");
    folder.write("t.yaml", "extends: base.yaml\nbatch.size: 7\ntopic: b\nbatch.timeout: 1\nbatch_timeout: 2\n");
    let shown = folder.run(&["config", "show", "t.yaml"]).expect(0);
    let expected = [
        &["key", "value", "origin"][..],
        &["batch.size", "7", "t.yaml:2"],
        &["batch.timeout", "1", "t.yaml:4; 'batch_timeout' in line 5 is another spelling of it, with another value"],
        &["topic", "b", "t.yaml:3"],
        &["type", "kafka", "base.yaml:1"],
    ];
    assert_eq!(table(&shown), expected, "{}", shown.out);
    folder.write("variables.yaml", "folder: ${stage}/data\nstage: dev\n");
    let shown = folder.run(&["config", "show", "variables.yaml"]).expect(0);
    assert_eq!(table(&shown)[1], ["folder", "dev/data", "variables.yaml:1, with ${stage}"]);
    folder.write("cycle.yaml", "folder: ${stage}\nstage: ${folder}\n");
    let cycle = folder.run(&["config", "show", "cycle.yaml"]).expect(2);
    assert_eq!(cycle.err, "Error: cycle.yaml:1: the values of these keys need each other: folder, stage\n");
}

#[test]
fn secrets_have_no_owner_in_a_file_and_job_keys_make_an_application_file() {
    let folder = Folder::new();
    folder.write("s.yaml", "encryption: {key: sentinel7}\npath: x\n");
    assert!(!folder.run(&["config", "show", "s.yaml"]).expect(0).out.contains("sentinel7"));
    folder.write("app.yaml", "memory.limit: 1GB\nbatch_size: ${size}\nsize: 5\n");
    let shown = folder.run(&["config", "show", "app.yaml"]).expect(0);
    assert_eq!(table(&shown)[1], ["batch_size", "5", "app.yaml:2, with ${size}"]);
    folder.write("t.yaml", "type: kafka_source\nsource.topic: b\ntopic: c\n");
    let shown = folder.run(&["config", "show", "t.yaml"]).expect(0);
    assert_eq!(table(&shown)[1], ["topic", "c", "t.yaml:3"]);
    // A secret is one in whatever case a message has it.
    folder.write("a.jsonl", "{}");
    let sql = "SELECT * FROM a WITH ('a.type'='kafka','a.bootstrap.servers'='h:1','a.schema'='id BIGINT','a.security.protocol'='${DB_PASSWORD}')";
    let told = folder.run_with(&["--sql", sql], &[("DB_PASSWORD", "SentinelAbc")], b"").expect(2);
    assert!(!told.err.to_lowercase().contains("sentinelabc"), "{}", told.err);
}

#[test]
fn wrong_values_are_told() {
    let folder = Folder::new();
    folder.write("t.yaml", "type: kafka_sink\nacks: foo\nlinger.ms: many\ntopic: [a, b]\nbatch.size: ${N:-x}\n");
    let shown = folder.run(&["config", "show", "t.yaml"]).expect(0);
    let expected = [
        &["key", "value", "origin"][..],
        &["acks", "foo", "t.yaml:2; not a number of replicas: expected all, 1, 0 or -1"],
        &["batch.size", "x", "t.yaml:5; not a count: expected a whole number in decimal digits"],
        &["linger.ms", "many", "t.yaml:3; not a count: expected a whole number in decimal digits"],
        &["topic", "a, b", "t.yaml:4"],
        &["type", "kafka_sink", "t.yaml:1"],
    ];
    assert_eq!(table(&shown), expected, "{}", shown.out);
    folder.write("app.yaml", "VELO_MAX_JOBS: 0\nbatch.size: many\nbatch.timeout: 5s\nx: many\n");
    let shown = folder.run(&["config", "show", "app.yaml"]).expect(0);
    assert_eq!(table(&shown)[1], ["VELO_MAX_JOBS", "0", "app.yaml:1; not a count: expected 1 or more"]);
    assert_eq!(table(&shown)[2], ["batch.size", "many", "app.yaml:2; not a count: expected a whole number in decimal digits"]);
    assert_eq!(table(&shown)[3..].iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn wrong_kinds_keys_and_values_of_the_client_are_told() {
    let folder = Folder::new();
    let faults = |file: &str| -> Vec<String> {
        folder.write("t.yaml", file);
        let shown = folder.run(&["config", "show", "t.yaml", "--format", "json"]).expect(0).out;
        let shown: Vec<serde_json::Value> = serde_json::from_str(&shown).unwrap();
        shown.iter().filter_map(|row| Some(format!("{}: {}", row["key"].as_str()?, row["fault"].as_str()?))).collect()
    };
    for kind in ["type: kafka\n", "type: kafka_sink\n", ""] {
        let found = faults(&format!("{kind}linger.ms: 9999999999\nsocket.timeout.ms: x\ntopci: t\nfoo.bar: 1\n"));
        let expected = [
            "foo.bar: unknown key",
            "linger.ms: 9999999999 is not within 0 and 900000",
            "socket.timeout.ms: Invalid value",
            "topci: unknown key; nearest: topic",
        ];
        assert!(found.len() == 4 && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{found:?}");
    }
    assert_eq!(faults("type: fil_source\npath: x\n"), ["type: unknown type; nearest: file_source"]);
    assert_eq!(faults("type: [file]\npath: x\n"), ["type: expected one value, found a list"]);
    assert_eq!(faults("type: s3_source\nbucket: x\n"), ["type: s3 is a kind that this build does not have"]);
    assert_eq!(faults("type: kafka_source\nbatch.size: 5000000000\nsasl.password: x\n"), Vec::<String>::new());
    let application = faults("log_level: q\nmetrics_enabled: 5\nVELO_BATCH_TIMEOUT_MS: q\nkafka_brokers: h:x\nscript: ''\nmy.own: 1\n");
    let expected = [
        "VELO_BATCH_TIMEOUT_MS: not a duration: expected a whole number with a unit (ns us ms s m h d); a bare number means milliseconds",
        "kafka_brokers: not a list of brokers: expected a port from 1 to 65535 behind the host",
        "log_level: not a name: expected error, warn, info, debug or trace",
        "metrics_enabled: not a boolean: expected true or false",
        "script: not a path: expected a path, found an empty text",
    ];
    assert_eq!(application, expected);
}
