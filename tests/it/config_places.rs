//! Where a value may stand, which place counts, and what variables become: each with the origin that is told.

use crate::velo::{Folder, Ran};

/// The settings that `explain` tells: value and origin.
fn explained(ran: &Ran, key: &str) -> Option<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let text = |setting: &serde_json::Value, field: &str| setting[field].as_str().unwrap().to_owned();
    json[0]["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).map(|setting| (text(setting, "value"), text(setting, "origin")))
}

fn pair(value: &str, origin: &str) -> Option<(String, String)> {
    Some((value.to_owned(), origin.to_owned()))
}

/// A place, and what writes a value there.
type Place<'a> = (&'a str, &'a dyn Fn(&Folder));

#[test]
fn each_place_counts_more_than_those_below_it_and_is_told() {
    let folder = Folder::new();
    folder.write("t.csv", "id\n1\n");
    let script = |settings: &str| format!("SELECT id FROM t WITH ('t.type'='file',\n{settings}'t.config_file'='t.yaml','t.path'='t.csv')");
    let explain =
        |arguments: &[&str]| folder.run(&[&["explain", "s.sql", "--format", "json", "--config", "app.yaml", "--profile", "p"], arguments].concat()).expect(0);
    let clean = || {
        folder.write("s.sql", script(""));
        folder.write("t.yaml", "extends: base.yaml\n");
        folder.write("base.yaml", "{}\n");
        folder.write("app.yaml", "profiles: {p: {}}\n");
    };
    clean();
    assert_eq!(explained(&explain(&[]), "failure_strategy"), pair("RetryWithBackoff", "default"));
    assert_eq!(explained(&explain(&[]), "t.failure_strategy"), None);
    // From the one that counts least on; each stays when the next one comes.
    let places: [Place<'_>; 3] = [
        ("app.yaml:1", &|folder| folder.write("app.yaml", "failure_strategy: FailBatch\nprofiles: {p: {}}\n")),
        ("app.yaml:3", &|folder| folder.write("app.yaml", "failure_strategy: FailBatch\nprofiles:\n  p: {failure_strategy: LogAndContinue}\n")),
        ("s.sql:2:1", &|folder| folder.write("s.sql", script("'failure_strategy'='fail_batch',"))),
    ];
    for ((origin, write), value) in places.into_iter().zip(["FailBatch", "LogAndContinue", "fail_batch"]) {
        write(&folder);
        assert_eq!(explained(&explain(&[]), "failure_strategy"), pair(value, origin));
    }
    assert_eq!(explained(&explain(&["--set", "failure_strategy=FailBatch"]), "failure_strategy"), pair("FailBatch", "--set"));
    // What a source says stands beside what its job says.
    let of_source: [Place<'_>; 3] = [
        ("base.yaml:2", &|folder| folder.write("base.yaml", "# of all\nfailure_strategy: FailBatch\n")),
        ("t.yaml:2", &|folder| folder.write("t.yaml", "extends: base.yaml\nfailure_strategy: LogAndContinue\n")),
        ("s.sql:2:32", &|folder| folder.write("s.sql", script("'failure_strategy'='FailBatch','t.failure_strategy'='RetryWithBackoff',"))),
    ];
    for ((origin, write), value) in of_source.into_iter().zip(["FailBatch", "LogAndContinue", "RetryWithBackoff"]) {
        write(&folder);
        let ran = explain(&[]);
        assert_eq!(explained(&ran, "t.failure_strategy"), pair(value, origin));
        assert!(explained(&ran, "failure_strategy").unwrap().1.starts_with("s.sql:2:"));
    }
    assert_eq!(explained(&explain(&["--set", "t.failure_strategy=FailBatch"]), "t.failure_strategy"), pair("FailBatch", "--set"));
    // The default of the environment counts less than all of them.
    clean();
    let with = |variables: &[(&str, &str)]| folder.run_with(&["explain", "s.sql", "--format", "json", "--config", "app.yaml"], variables, b"").expect(0);
    folder.write("app.yaml", "VELO_BATCH_TIMEOUT_MS: 4000\n");
    assert_eq!(explained(&with(&[]), "batch.timeout"), pair("4000", "app.yaml:1"));
    let variable = [("VELO_BATCH_TIMEOUT_MS", "5000")];
    assert_eq!(explained(&with(&variable), "batch.timeout"), pair("5000", "environment variable VELO_BATCH_TIMEOUT_MS"));
    folder.write("app.yaml", "batch_timeout: 6000\nVELO_BATCH_TIMEOUT_MS: 4000\n");
    assert_eq!(explained(&with(&variable), "batch.timeout"), pair("6000", "app.yaml:1"));
}

#[test]
fn the_order_of_lines_does_not_matter() {
    let folder = Folder::new();
    folder.write("t.csv", "id;x\n1;2\n");
    folder.write("t.yaml", "delimiter: ','\nhas_headers: false\n");
    let mut settings = ["'t.config_file'='t.yaml'", "'t.type'='file'", "'t.delimiter'=';'", "'t.path'='t.csv'", "'t.has_headers'='true'", "'batch.size'='3'"];
    let mut first = None;
    for _ in 0..settings.len() {
        settings.rotate_left(1);
        folder.write("s.sql", format!("SELECT id FROM t WITH ({})", settings.join(",")));
        let ran = folder.run(&["explain", "s.sql", "--format", "json"]).expect(0);
        let found = ["t.delimiter", "t.path", "t.has_headers", "batch.size"].map(|key| explained(&ran, key).unwrap().0);
        assert_eq!(*first.get_or_insert(found.clone()), found);
    }
    assert_eq!(first.unwrap(), [";", "t.csv", "true", "3"]);
}

/// As the guide prints it.
const GUIDE: &str = r#"# configs/app.yaml
active_profile: "${VELO_PROFILE:-development}"

profiles:
  base: &base_profile
    log_level: "INFO"
    metrics_enabled: true
    batch_size: 1000
    
  development:
    <<: *base_profile                    # Inherit base settings
    kafka_brokers: "localhost:9092"
    log_level: "DEBUG"                   # Override specific settings
    
  staging:
    <<: *base_profile
    kafka_brokers: "kafka-staging:9092"
    monitoring_enabled: true
    
  production:
    <<: *base_profile  
    kafka_brokers: "${KAFKA_BROKERS}"    # Environment variable required
    log_level: "WARN"                    # Override for production
    monitoring_enabled: true
    alerting_enabled: true
"#;

#[test]
fn the_profiles_of_the_guide_are_what_it_says() {
    let folder = Folder::new();
    folder.write("configs/app.yaml", GUIDE);
    folder.write("t.csv", "id\n1\n");
    let shown = |variables: &[(&str, &str)]| {
        let ran = folder.run_with(&["config", "show", "configs/app.yaml", "--format", "json"], variables, b"").expect(0);
        let json: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
        json.into_iter().map(|setting| format!("{}={}", setting["key"].as_str().unwrap(), setting["value"].as_str().unwrap())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&[]), "active_profile=development batch_size=1000 kafka_brokers=localhost:9092 log_level=DEBUG metrics_enabled=true");
    assert_eq!(
        shown(&[("VELO_PROFILE", "production"), ("KAFKA_BROKERS", "k:1,l:2")]),
        "active_profile=production alerting_enabled=true batch_size=1000 kafka_brokers=k:1,l:2 log_level=WARN metrics_enabled=true monitoring_enabled=true"
    );
    assert!(shown(&[("VELO_PROFILE", "staging")]).contains("kafka_brokers=kafka-staging:9092 log_level=INFO "));
    let run = |variables: &[(&str, &str)]| {
        folder.run_with(&["--config", "configs/app.yaml", "--sql", "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv')"], variables, b"")
    };
    run(&[]).expect(0);
    let production = run(&[("VELO_PROFILE", "production")]).expect(2);
    assert!(production.err.starts_with("Error: configs/app.yaml:22: environment variable KAFKA_BROKERS is not set"), "{}", production.err);
    run(&[("VELO_PROFILE", "production"), ("KAFKA_BROKERS", "k:1")]).expect(0);
}

/// As it is written, its value, and variables.
type Form<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn every_form_of_a_variable_stands_in_files_and_in_statements() {
    let folder = Folder::new();
    folder.write("app.yaml", "kafka_brokers: h:9\nfrom_profile: of-file\n");
    let variables = [("A", "a"), ("B", "b"), ("HOME", "/home/u"), ("USER", "u"), ("EMPTY", "")];
    let of_file = [("KAFKA_USERNAME", "x")];
    let forms: [Form<'_>; 11] = [
        ("${A}", "a", &[]),
        ("${NONE:-kafka1:9092,kafka2:9092}", "kafka1:9092,kafka2:9092", &[]),
        ("${NONE:-http://localhost:8081}", "http://localhost:8081", &[]),
        ("${NONE:-}", "", &[]),
        ("${EMPTY:-x}", "", &[]),
        ("${A}-${B}", "a-b", &[]),
        ("orders-${NONE:-dev}-${B}", "orders-dev-b", &[]),
        ("${USER}:${HOME}", "u:/home/u", &[]),
        ("${kafka_brokers}", "h:9", &of_file),
        ("${from_profile}", "of-file", &of_file),
        ("${from_profile}", "of-environment", &[("from_profile", "of-environment")]),
    ];
    for (written, value, more) in forms {
        let variables = [&variables[..], more].concat();
        let expected = format!("x{value}x");
        let kafka = "'k.type'='kafka','k.bootstrap.servers'='h:1','k.format'='json','k.schema'='a BIGINT'";
        folder.write("k.yaml", format!("group.id: \"x{written}x\"\n"));
        for setting in [format!("'k.group.id'='x{written}x'"), "'k.config_file'='k.yaml'".to_owned()] {
            folder.write("s.sql", format!("SELECT a FROM k WITH ({kafka},{setting})"));
            let ran = folder.run_with(&["explain", "s.sql", "--format", "json", "--config", "app.yaml"], &variables, b"").expect(0);
            assert_eq!(explained(&ran, "k.group.id").unwrap().0, expected, "{setting}, {written}");
        }
        let ran =
            folder.run_with(&["config", "show", "k.yaml", "--format", "json"], &[&variables[..], &[("VELO_CONFIG_FILE", "app.yaml")]].concat(), b"").expect(0);
        let shown: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(shown[0]["value"], expected, "{written}");
    }
    for (written, told) in [("${NONE}", "environment variable NONE is not set; 'k.group.id' needs it"), ("${NONE", "'k.group.id' has a ${ without }")] {
        folder.write("k.yaml", format!("# topic\ngroup.id: \"{written}\"\n"));
        folder.write("s.sql", "SELECT a FROM k WITH ('k.type'='kafka','k.bootstrap.servers'='h:1','k.schema'='a BIGINT','k.config_file'='k.yaml')");
        let ran = folder.run(&["validate", "s.sql"]).expect(2);
        assert!(ran.err.starts_with(&format!("Error: k.yaml:2: {told}\n")), "{}", ran.err);
        folder.write("s.sql", format!("SELECT a FROM k WITH ('k.type'='kafka','k.bootstrap.servers'='h:1','k.schema'='a BIGINT','k.group.id'='{written}')"));
        let ran = folder.run(&["validate", "s.sql"]).expect(2);
        assert!(ran.err.starts_with(&format!("Error: {told}\n  --> s.sql:1:")), "{}", ran.err);
    }
}

#[test]
fn what_is_put_in_is_no_yaml_and_no_sql() {
    let folder = Folder::new();
    folder.write("t.csv", "id\n1\n");
    for value in ["t.csv', 't.format'='json", "t.csv\nformat: json", "[t.csv, x]", "{a: b}", "*x", "'t.csv'", "t.csv # x", "null", "${A}", "t.csv; DROP"] {
        folder.write(value, "id\n5\n");
        folder.write("t.yaml", "type: file\nformat: csv\npath: ${A}\n");
        for sql in ["SELECT id FROM t WITH ('t.type'='file','t.format'='csv','t.path'='${A}')", "SELECT id FROM t WITH ('t.config_file'='t.yaml')"] {
            let ran = folder.run_with(&["--quiet", "--sql", sql], &[("A", value)], b"");
            // Names of files may hold brackets and stars of their own.
            if !value.contains(['[', '*', '{']) {
                assert_eq!(ran.expect(0).out, "{\"id\":5}\n", "{value}: {sql}");
            } else {
                assert!(ran.status == 0 || ran.err.contains("No such file") || ran.err.contains("no file"), "{value}: {}", ran.err);
            }
        }
    }
}

#[test]
fn the_environment_chooses_the_file() {
    let folder = Folder::new();
    for stage in ["dev", "prod"] {
        folder.write(&format!("configs/{stage}_source.yaml"), format!("type: file\npath: {stage}.csv\n"));
        folder.write(&format!("{stage}.csv"), format!("stage\n{stage}\n"));
    }
    let sql = "SELECT stage FROM t WITH ('t.config_file'='./configs/${ENVIRONMENT:-dev}_source.yaml')";
    assert_eq!(folder.run(&["--quiet", "--sql", sql]).expect(0).out, "{\"stage\":\"dev\"}\n");
    assert_eq!(folder.run_with(&["--quiet", "--sql", sql], &[("ENVIRONMENT", "prod")], b"").expect(0).out, "{\"stage\":\"prod\"}\n");
    let gone = folder.run_with(&["--quiet", "--sql", sql], &[("ENVIRONMENT", "none")], b"").expect(2);
    assert!(gone.err.contains("cannot read ./configs/none_source.yaml: No such file or directory"), "{}", gone.err);
}
