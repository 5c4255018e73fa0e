//! One secret on every route that a value takes, through every command: it is told nowhere, as it is, as in a URL, or as in a header.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::velo::Folder;

/// With signs that are others in a URL.
const SENTINEL: &str = "Sent1nel+hunt-of/routes=9";
const FOUND: [&str; 3] = ["Sent1nel", "hunt-of", "routes=9"];
const VARIABLES: [(&str, &str); 3] = [("VAULT_TOKEN", SENTINEL), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")];

/// Where the secret comes from: into the settings as it is, or under a name that tells nothing.
const ORIGINS: [&str; 5] = ["${VAULT_TOKEN}", "${file:handed}", "${plain}", "${further}", "${NOT_SET_PASSWORD:-Sent1nel+hunt-of/routes=9}"];
/// The names that tell nothing.
const PLAIN: &str = "plain: ${VAULT_TOKEN}\nfurther: \"<${plain}>\"\nlisted: [a, \"${VAULT_TOKEN}\"]\n";
const T: &str = "'t.type'='file','t.path'='t.csv'";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", "id\n1\n");
    folder.write("handed", format!("{SENTINEL}\n"));
    folder.write("plain.yaml", PLAIN);
    folder
}

fn assert_untold(what: &str, text: &str) {
    let encoded = [STANDARD, URL_SAFE, URL_SAFE_NO_PAD].map(|engine| engine.encode(SENTINEL));
    // In base64, three letters are four signs, whatever stands before them.
    let parts = (0..3).map(|at| STANDARD.encode(&SENTINEL[at..at + 18])).map(|part| part[..20].to_owned());
    for form in FOUND.map(str::to_owned).into_iter().chain(encoded).chain(parts) {
        assert!(!text.contains(&form), "{what} tells the secret as {form}: {text}");
    }
}

/// Runs a script by every command with the settings of an application file.
fn hunt(folder: &Folder, what: &str, script: &str, more: &[&str]) {
    folder.write("s.sql", script);
    for arguments in [
        &["validate", "s.sql", "--log-level", "trace"][..],
        &["explain", "s.sql", "--verbose", "--log-level", "trace"],
        &["explain", "s.sql", "--format", "json"],
        &["run", "s.sql", "--log-level", "trace", "--summary", "json"],
    ] {
        told_by(folder, what, &[arguments, more].concat());
    }
}

fn told_by(folder: &Folder, what: &str, arguments: &[&str]) {
    let ran = folder.run_with(arguments, &VARIABLES, b"");
    assert!(!ran.err.is_empty() || !ran.out.is_empty(), "{what}, {arguments:?}: nothing is told");
    assert_untold(&format!("{what}, {arguments:?}"), &format!("{}{}", ran.out, ran.err));
}

#[test]
fn in_statements_and_on_the_command_line() {
    let folder = folder();
    for origin in ORIGINS {
        for setting in [
            format!("'t.path'='{origin}.csv'"),
            format!("'t.type'='{origin}'"),
            format!("'t.format'='{origin}'"),
            format!("'t.schema'='id {origin}'"),
            format!("'t.schema_file'='{origin}'"),
            format!("'t.config_file'='{origin}.yaml'"),
            format!("'t.pth'='{origin}'"),
            format!("'batch.size'='{origin}'"),
            format!("'nothing'='{origin}'"),
        ] {
            let sql = format!("SELECT id FROM t INTO o WITH ({T},'o.type'='file','o.path'='o.json',{setting})");
            hunt(&folder, &setting, &sql.replace(if setting.contains("'t.path'") { ",'t.path'='t.csv'" } else { "\0" }, ""), &["--config", "plain.yaml"]);
        }
        for path in ["", "no/such/folder/", "t.csv/"] {
            let sql = format!("SELECT id FROM t INTO o WITH ({T},'o.type'='file','o.path'='{path}{origin}.json')");
            hunt(&folder, &sql, &sql, &["--config", "plain.yaml"]);
        }
        let sql = format!("SELECT id FROM t WITH ({T})");
        for set in [format!("t.format={origin}"), format!("batch.size={origin}"), format!("t.nothing={origin}")] {
            hunt(&folder, &set, &sql, &["--config", "plain.yaml", "--set", &set]);
        }
    }
}

#[test]
fn in_settings_of_kafka() {
    let folder = folder();
    for origin in ORIGINS {
        for key in ["bootstrap.servers", "topic", "group.id", "client.id", "auto.offset.reset", "sasl.username", "schema.registry.url", "fetch.min.bytes"] {
            let rest = if key == "bootstrap.servers" { "" } else { ",'k.bootstrap.servers'='127.0.0.1:1'" };
            let sql = format!(
                "SELECT a FROM k WITH ('k.type'='kafka','k.format'='json','k.schema'='a BIGINT','k.connect.timeout'='300ms','k.{key}'='{origin}'{rest})"
            );
            folder.write("s.sql", &sql);
            told_by(&folder, &sql, &["validate", "s.sql", "--log-level", "trace", "--config", "plain.yaml"]);
            told_by(&folder, &sql, &["explain", "s.sql", "--format", "json", "--config", "plain.yaml"]);
            if origin == "${further}" {
                told_by(&folder, &sql, &["run", "s.sql", "--log-level", "trace", "--config", "plain.yaml"]);
            }
        }
    }
}

#[test]
fn in_application_files() {
    let folder = folder();
    let kafka = "SELECT a FROM k WITH ('k.type'='kafka','k.format'='json','k.schema'='a BIGINT','k.connect.timeout'='300ms')";
    let keys = [
        "log_level",
        "script",
        "metrics_enabled",
        "active_profile",
        "VELO_MAX_JOBS",
        "VELO_MAX_SINKS_PER_JOB",
        "VELO_BATCH_TIMEOUT_MS",
        "VELO_MAX_MEMORY_MB",
        "batch_size",
        "failure_strategy",
        "max_retries",
    ];
    for origin in ORIGINS {
        for key in keys {
            folder.write("app.yaml", format!("{PLAIN}{key}: {origin}\nprofiles: {{p: {{x: 1}}}}\n"));
            hunt(&folder, &format!("{key}: {origin}"), &format!("SELECT id FROM t WITH ({T})"), &["--config", "app.yaml"]);
            for form in ["table", "json"] {
                told_by(&folder, &format!("{key}: {origin}"), &["config", "show", "app.yaml", "--format", form]);
            }
        }
        folder.write("app.yaml", format!("{PLAIN}kafka_brokers: [\"{origin}:1\", b]\n"));
        hunt(&folder, "kafka_brokers", kafka, &["--config", "app.yaml"]);
        told_by(&folder, "kafka_brokers", &["config", "show", "app.yaml", "--format", "json"]);
    }
    folder.write("app.yaml", format!("{PLAIN}VELO_MAX_JOBS: ${{listed}}\n"));
    hunt(&folder, "a list", &format!("SELECT id FROM t WITH ({T})"), &["--config", "app.yaml"]);
    // Beside a variable that is not set, where the value is shown as it is written.
    for text in [
        format!("db_password: {SENTINEL}${{NOPE}}\n"),
        format!("x: ${{NO_PASSWORD:-{SENTINEL}}}${{NOPE}}\n"),
        format!("x: ${{NOPE}}${{file:gone:-{SENTINEL}}}\n"),
    ] {
        for (file, text) in [("app.yaml", format!("VELO_MAX_JOBS: 3\n{text}")), ("t.yaml", text)] {
            folder.write(file, &text);
            told_by(&folder, &text, &["config", "show", file]);
            hunt(&folder, &text, &format!("SELECT id FROM t WITH ({T})"), &["--config", file]);
        }
    }
    // Under a key that is a secret by its name, as it stands.
    folder.write("app.yaml", format!("db_password: {SENTINEL}\n"));
    hunt(&folder, "db_password", &format!("SELECT id FROM t WITH ({T},'t.format'='${{db_password}}')"), &["--config", "app.yaml"]);
    told_by(&folder, "db_password", &["config", "show", "app.yaml"]);
}

#[test]
fn in_files_of_settings_and_what_they_extend() {
    let folder = folder();
    folder.write("velo.yaml", PLAIN);
    let sql = "SELECT id FROM t WITH ('t.type'='file','t.path'='t.csv','t.config_file'='t.yaml')";
    // A file whose name is the secret, which is wrong itself.
    folder.write(&format!("{SENTINEL}.yaml"), "format: csv\nx.nothing: 1\nextends: t.yaml\n");
    for origin in ORIGINS {
        for text in [
            format!("format: {origin}\nencoding: {origin}\n"),
            format!("batch: {{size: ['{origin}', b]}}\n"),
            format!("a.{origin}: 1\n"),
            format!("extends: {origin}\n"),
            format!("extends: {origin}.yaml\n"),
            format!("extends: /etc/{origin}.yaml\n"),
            format!("extends: ../../{origin}\n"),
            format!("extends: ['{origin}', b]\n"),
        ] {
            folder.write("t.yaml", &text);
            hunt(&folder, &text, sql, &[]);
            told_by(&folder, &text, &["config", "show", "t.yaml"]);
            told_by(&folder, &text, &["config", "show", "t.yaml", "--format", "json"]);
        }
    }
}

/// Too short to be looked for in other texts, but known where the value is told.
#[test]
fn a_short_one_is_hidden_as_a_value() {
    let folder = folder();
    folder.write("app.yaml", "x: ${PW}\nbatch_size: ${x}\nVELO_MAX_JOBS: ${PW}\n");
    folder.write("s.sql", format!("SELECT id FROM t WITH ({T})"));
    let ran = folder.run_with(&["explain", "s.sql", "--config", "app.yaml"], &[("PW", "77")], b"").expect(0);
    assert!(ran.out.contains("batch.size = **** (app.yaml:2, with ${x})"), "{}", ran.out);
    let ran = folder.run_with(&["run", "s.sql", "--config", "app.yaml"], &[("PW", "7x")], b"").expect(2);
    assert!(ran.err.contains("'batch_size' = '****' is not a count") && ran.err.contains("app.yaml:3: VELO_MAX_JOBS = '****'"), "{}", ran.err);
    let shown = folder.run_with(&["config", "show", "app.yaml"], &[("PW", "77")], b"").expect(0);
    assert_eq!(shown.out.matches("****").count(), 3, "{}", shown.out);
}
