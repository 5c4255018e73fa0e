//! Settings at the ends of what there is: long expressions, huge numbers, addresses that are none, maps of nothing. Each is refused or carried out; none makes the program panic or hang.

use std::time::{Duration, Instant};

use crate::velo::Folder;

const CSV: &str = "id,v,at\n1,2,2024-01-01T00:00:00Z\n";

/// A folder with some input.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.csv", CSV);
    folder
}

/// What is told of a statement that reads a file with these settings, too.
fn told_of_source(settings: &str) -> String {
    let folder = folder();
    folder.write("q.sql", format!("SELECT id FROM a INTO o WITH ('o.type'='file','o.path'='o.json','a.type'='file_source','a.path'='a.csv',{settings})"));
    folder.run(&["validate", "q.sql"]).expect(2).err
}

#[test]
fn an_expression_of_event_time_has_the_limits_of_a_statement() {
    let chain = |terms: usize| format!("1{}", "+1".repeat(terms));
    let types = format!("CAST(v AS {}INT{})", "array<".repeat(2_000), ">".repeat(2_000));
    for (text, expected) in [
        (chain(30_000), "more than 256 operators in one chain"),
        (chain(5_000), "more than 256 operators in one chain"),
        (types, "more than 256 operators in one chain"),
        (format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)), "nested more than 48 levels deep"),
        (format!("a{}", ".b".repeat(5_000)), "more than 64 dots in one name"),
        ("a.b.c.d.e".to_owned(), "No field named a.b.c.d.e"),
        ("a.b.c.d.e.f".to_owned(), "No field named a.b.c.d.e.f"),
        ("to_timestamp(1 + \"a b\".b.c.d.e.f.g.h)".to_owned(), "No field named a b.b.c.d.e.f.g.h"),
    ] {
        let begun = Instant::now();
        let told = told_of_source(&format!("'a.event_time'='{text}'"));
        let head: String = told.chars().take(300).collect();
        assert!(told.contains("Error: 'a.event_time' = '") && told.contains(expected) && !told.contains("Ident"), "{expected}: {head}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{expected}");
    }
    // What is just within them is planned.
    let folder = folder();
    let sql = format!("SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv','a.event_time'='v + {}')", chain(200));
    assert_eq!(folder.run(&["--sql", &sql]).expect(0).out.lines().count(), 1);
}

#[test]
fn fields_of_structs_are_event_times_however_deep_they_lie() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1700000000000}}}}}}\n");
    let sql = "SELECT _event_time FROM a WITH ('a.type'='file','a.path'='a.jsonl','a.event_time'='a.b.c.d.e.f')";
    let ran = folder.run(&["--sql", sql]).expect(0);
    assert!(ran.out.contains("2023-11-14T22:13:20"), "{}", ran.out);
}

const KAFKA: &str = "SELECT id FROM k INTO o WITH ('k.type'='kafka_source','k.schema'='id INT','k.topic'='t','o.type'='file_sink','o.path'='o.json',";

#[test]
fn addresses_of_brokers_are_checked_before_anything_is_asked() {
    let folder = folder();
    let cases = [
        ("", "expected host:port, several separated by commas"),
        (" ", "expected host:port, several separated by commas"),
        (",", "expected host:port, several separated by commas"),
        (":9092", "expected host:port, found no host"),
        ("localhost:abc", "expected a port from 1 to 65535 behind the host"),
        ("localhost:99999", "expected a port from 1 to 65535 behind the host"),
        ("http://localhost:9092", "expected host:port, without a protocol or after one of plaintext, ssl, sasl_plaintext, sasl_ssl"),
        ("a b:9092", "expected host:port, several separated by commas"),
        ("h:1;i:2", "expected host:port, several separated by commas"),
        ("::1", "expected host:port, several separated by commas; an IPv6 address stands in [ ]"),
    ];
    for (value, expected) in cases {
        folder.write("q.sql", format!("{KAFKA}'k.bootstrap.servers'='{value}')"));
        let told = folder.run(&["validate", "q.sql"]).expect(2).err;
        assert!(told.contains(&format!("Error: 'k.bootstrap.servers' = '{value}' is not a list of brokers: {expected}")), "{told}");
        assert!(told.contains("q.sql:1:"), "{told}");
        folder.write("k.yaml", format!("bootstrap.servers: '{value}'\n"));
        folder.write("q.sql", format!("{KAFKA}'k.config_file'='k.yaml')"));
        let told = folder.run(&["validate", "q.sql"]).expect(2).err;
        assert!(told.contains("Error: k.yaml:1: 'k.bootstrap.servers' = '"), "{told}");
        folder.write("app.yaml", format!("x: 1\nkafka_brokers: '{value}'\n"));
        let told = folder.run(&["--config", "app.yaml", "--sql", "SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv')"]).expect(2).err;
        assert!(told.contains(&format!("Error: app.yaml:2: 'kafka_brokers' = '{value}': {expected}")), "{told}");
    }
    let sink = "SELECT id FROM a INTO k WITH ('a.type'='file','a.path'='a.csv','k.type'='kafka_sink','k.bootstrap.servers'='h:x')";
    assert!(folder.run(&["--sql", sink]).expect(2).err.contains("'k.bootstrap.servers' = 'h:x' is not a list of brokers"));
    // What the client reads is taken.
    for value in ["h", "h:1,[::1]:9092", "PLAINTEXT://h:9092", "h:1, i:2,"] {
        folder.write("q.sql", format!("{KAFKA}'k.bootstrap.servers'='{value}')"));
        folder.run(&["validate", "q.sql"]).expect(0);
    }
    // It would leave out an address of another protocol.
    folder.write("k.yaml", "bootstrap.servers: [h:1, 'SSL://i:2']\n");
    folder.write("q.sql", format!("{KAFKA}'k.config_file'='k.yaml')"));
    let told = folder.run(&["validate", "q.sql"]).expect(2).err;
    assert!(told.contains("Error: k.yaml:1: 'k.bootstrap.servers': 'SSL://' is not what 'k.security.protocol' says"), "{told}");
    // Brokers that nothing is known of are no fault where others count more.
    folder.write("app.yaml", "kafka_brokers: ${NOBODY_SET_THIS}\n");
    folder.write("q.sql", format!("{KAFKA}'k.bootstrap.servers'='h:1')"));
    folder.run(&["validate", "q.sql", "--config", "app.yaml"]).expect(0);
}

#[test]
fn a_password_in_an_address_is_refused_and_not_told() {
    let folder = folder();
    for value in ["bob:s3ntinel@h:9092", "PLAINTEXT://bob:s3ntinel@h:9092", "h:1,bob:s3ntinel@i:2"] {
        folder.write("q.sql", format!("{KAFKA}'k.bootstrap.servers'='{value}')"));
        let told = folder.run(&["validate", "q.sql"]).expect(2).err;
        assert!(told.contains("user and password are set by 'sasl.username' and 'sasl.password'") && !told.contains("s3ntinel"), "{told}");
        folder.write("app.yaml", format!("kafka_brokers: '{value}'\n"));
        let told = folder.run(&["validate", "q.sql", "--config", "app.yaml"]).expect(2).err;
        assert!(told.contains("app.yaml:1: 'kafka_brokers'") && !told.contains("s3ntinel"), "{told}");
        let shown = folder.run(&["config", "show", "app.yaml"]).expect(0);
        assert!(!shown.out.contains("s3ntinel"), "{}", shown.out);
    }
}

#[test]
fn huge_values_are_carried_out_or_refused() {
    let run = |settings: &str| {
        let folder = folder();
        folder.write("b.csv", "id,n\n1,x\n");
        let sql = format!("SELECT a.id FROM a JOIN b ON a.id = b.id WITH ('a.type'='file','a.path'='a.csv','b.type'='file','b.path'='b.csv',{settings})");
        folder.run(&["--sql", &sql])
    };
    let most = u64::MAX;
    for settings in [
        "'execution.mode'='stream','batch.memory_limit_mb'='17592186044415','batch.strategy'='memory_based'".to_owned(),
        "'execution.mode'='stream','batch.memory_limit_mb'='17592186044415','batch.strategy'='adaptive_size'".to_owned(),
        format!("'execution.mode'='stream','batch.memory_size'='{most}','batch.strategy'='memory_based'"),
        format!("'execution.mode'='stream','batch.memory_size'='{most}','batch.strategy'='adaptive_size','batch.adaptive_max_size'='{most}'"),
        format!("'execution.mode'='stream','batch.size'='{most}','batch.min_size'='{most}','source.buffer_size'='{most}','max_retries'='{most}'"),
        format!("'memory.limit'='{most}','memory.recommended_limit'='{most}','a.max_record_size'='{most}'"),
        "'execution.mode'='stream','b.refresh_interval'='36500d','state.ttl'='36500d','shutdown.timeout'='36500d','batch.timeout'='36500d'".to_owned(),
        "'a.event_time'='at','execution.mode'='stream','a.watermark.max_out_of_orderness'='36500d','a.watermark.idle_timeout'='36500d','a.allowed_lateness'='36500d','retry_backoff'='36500d'"
            .to_owned(),
    ] {
        assert_eq!(run(&settings).expect(0).out.lines().count(), 1, "{settings}");
    }
    for key in ["b.refresh_interval", "state.ttl", "shutdown.timeout", "batch.timeout", "a.watermark.idle_timeout", "a.allowed_lateness", "retry_backoff"] {
        let told = run(&format!("'{key}'='213503982334601d'")).expect(2).err;
        assert!(told.contains(&format!("'{key}' = '213503982334601d' is not a duration: the duration is too long; expected at most 36500d")), "{told}");
    }
    let folder = folder();
    let sql = format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.csv','o.type'='file','o.path'='o.json.gz','o.buffer_size_bytes'='{most}')");
    folder.run(&["--sql", &sql]).expect(0);
}

#[test]
fn a_map_of_nothing_is_no_value() {
    let folder = folder();
    for line in ["strat: {}", "follow: {}", "source: {}", "batch: {size: {}}"] {
        folder.write("a.yaml", format!("path: a.csv\n{line}\n"));
        let told = folder.run(&["--sql", "SELECT id FROM a WITH ('a.type'='file','a.config_file'='a.yaml')"]).expect(2).err;
        assert!(told.contains("a.yaml:2: '") && told.contains("' is a map of nothing") && told.contains(" leave it out"), "{line}: {told}");
    }
    let sql = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv')";
    for line in ["log_levle: {}", "VELO_FOO: {}", "batch_size: {}", "profiles: {p: {batch_size: {}}}"] {
        folder.write("app.yaml", format!("x: 1\n{line}\n"));
        let told = folder.run(&["--config", "app.yaml", "--sql", sql]).expect(2).err;
        assert!(told.contains("app.yaml:2: '") && told.contains("' is a map of nothing"), "{line}: {told}");
    }
    for line in ["profiles: {}", "profiles: {p: {}, q: }\nactive_profile: p"] {
        folder.write("app.yaml", format!("x: 1\n{line}\n"));
        folder.run(&["--config", "app.yaml", "--sql", sql]).expect(0);
    }
}

#[test]
fn empty_values_and_lists_are_told_with_key_and_line() {
    let folder = folder();
    folder.write("a.yaml", "path: a.csv\ntype: [file]\n");
    let told = folder.run(&["--sql", "SELECT id FROM a WITH ('a.config_file'='a.yaml')"]).expect(2).err;
    assert!(told.contains("a.yaml:2: 'a.type' = 'file' is not a name: expected one value, found a list"), "{told}");
    assert_eq!(told.matches("Error: ").count(), 1, "{told}");
    let sql = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv')";
    folder.write("app.yaml", "x: 1\nscript: ''\n");
    let told = folder.run(&["--config", "app.yaml"]).expect(2).err;
    assert!(told.contains("app.yaml:2: 'script' = '': expected a path, found an empty text"), "{told}");
    folder.write("app.yaml", "x: 1\nVELO_BATCH_TIMEOUT_MS: ''\n");
    let told = folder.run(&["--config", "app.yaml", "--sql", sql]).expect(2).err;
    assert!(told.contains("app.yaml:2: 'VELO_BATCH_TIMEOUT_MS' = '' is not a duration: expected a whole number with a unit"), "{told}");
}

#[test]
fn profiles_that_are_not_active_are_checked_as_far_as_that_needs_no_variables() {
    let folder = folder();
    let sql = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv')";
    for (line, expected) in [
        ("batch_size: many", "'batch_size' = 'many' is not a count: expected a whole number"),
        ("batch: {timeout: soon}", "'batch.timeout' = 'soon' is not a duration"),
        ("log_level: loud", "'log_level' = 'loud' is not a name: expected error, warn, info, debug or trace"),
        ("metrics_enabled: 5", "'metrics_enabled' = '5' is not a boolean"),
        ("kafka_brokers: h:x", "'kafka_brokers' = 'h:x' is not a list of brokers"),
        ("VELO_MAX_JOBS: 0", "'VELO_MAX_JOBS' = '0' is not a count: expected 1 or more"),
        ("script: ''", "'script' = '' is not a path"),
        ("batch_size: [1, 2]", "'batch_size' = '1, 2' is not a count: expected one value, found a list"),
    ] {
        folder.write("app.yaml", format!("active_profile: dev\nprofiles:\n  dev: {{x: 1}}\n  live:\n    {line}\n"));
        let told = folder.run(&["--config", "app.yaml", "--sql", sql]).expect(2).err;
        assert!(told.contains(&format!("Error: app.yaml:5: {expected}")), "{line}: {told}");
        // What counts can be looked at all the same.
        folder.run(&["config", "show", "app.yaml"]).expect(0);
    }
    folder.write("app.yaml", "profiles: {live: {batch_size: \"${SIZE}\", kafka_brokers: [a:1, b:2], my_own: many}}\n");
    folder.run(&["--config", "app.yaml", "--sql", sql]).expect(0);
}

#[test]
fn variables_that_are_almost_the_engines_are_told() {
    let folder = Folder::new();
    folder.write("a.csv", "id\n1\n");
    let sql = "SELECT id FROM a WITH ('a.type'='file','a.path'='a.csv')";
    let told = folder.run_with(&["--sql", sql], &[("VELO_MAX_JOSB", "5"), ("VELO_REGION", "eu"), ("VELO_MAX_JOBS", "5")], b"").expect(0).err;
    assert!(told.contains("environment variable VELO_MAX_JOSB is none of the engine's; nearest: VELO_MAX_JOBS"), "{told}");
    assert!(!told.contains("VELO_REGION"), "{told}");
}
