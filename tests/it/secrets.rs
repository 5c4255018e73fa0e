//! A secret is nowhere: not in errors, logs, explanations, summaries or outputs.

use base64::Engine;

use crate::velo::Folder;

const SENTINEL: &str = "c2VudGluZWwtc2VudGluZWwtc2VudGluZWwtMTIzNDU=";
const WORD: &str = "hunter2-sentinel-value";

fn assert_clean(folder: &Folder, what: &str, text: &str) {
    let encoded = base64::engine::general_purpose::STANDARD.encode(WORD);
    for secret in [SENTINEL, WORD, encoded.as_str(), "hunter2%2Dsentinel"] {
        assert!(!text.contains(secret), "{what} holds the secret: {text}");
    }
    for file in folder.list("") {
        if !file.ends_with(".sql") && !file.ends_with(".yaml") {
            let content = String::from_utf8_lossy(&std::fs::read(folder.path().join(&file)).unwrap()).into_owned();
            assert!(!content.contains(SENTINEL) && !content.contains(WORD), "{what}: {file} holds the secret");
        }
    }
}

#[test]
fn the_sentinel_is_never_seen() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n{\"id\":\"x\"}\n");
    let statement = |key: &str, extra: &str| {
        format!(
            "SELECT * FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','o.type'='file','o.path'='o.enc','o.format'='json','o.encryption'='AES256','o.encryption.key'='{key}'{extra})"
        )
    };
    let runs = [
        statement(SENTINEL, ",'failure_strategy'='LogAndContinue'"),
        statement(WORD, ""),
        statement("${KEY}", ",'o.pth'='x'"),
        statement(SENTINEL, ""),
        format!("SELECT * FROM k WITH ('k.type'='kafka_source','k.sasl.password'='{WORD}')"),
        format!("SELECT * FROM d WITH ('d.type'='database_source','d.connection.url'='postgresql://u:{WORD}@h/db')"),
        format!("SELECT * FROM a WITH ('a.type'='file','a.path'='http://u:{WORD}@host/x.json')"),
    ];
    for (number, sql) in runs.iter().enumerate() {
        folder.write("s.sql", sql);
        for arguments in [
            vec!["run", "s.sql", "--log-level", "trace", "--summary", "json"],
            vec!["validate", "s.sql", "--log-level", "trace"],
            vec!["explain", "s.sql", "--verbose"],
            vec!["explain", "s.sql", "--format", "json"],
        ] {
            let ran = folder.run_with(&arguments, &[("KEY", SENTINEL), ("VELO_ENCRYPTION_KEY", SENTINEL)], b"");
            // The snippet under an error is the user's own text, from the user's own screen; even there the secret is masked.
            assert_clean(&folder, &format!("statement {number}, {arguments:?}"), &format!("{}{}", ran.out, ran.err));
        }
    }
}

/// Everything that is told of a script by every command.
fn hunt(folder: &Folder, what: &str, script: &str, more: &[&str]) {
    folder.write("s.sql", script);
    for arguments in [
        vec!["run", "s.sql", "--log-level", "trace", "--summary", "json"],
        vec!["validate", "s.sql", "--log-level", "trace"],
        vec!["explain", "s.sql", "--verbose", "--log-level", "trace"],
        vec!["explain", "s.sql", "--format", "json"],
    ] {
        let arguments = [arguments.as_slice(), more].concat();
        let ran = folder.run_with(&arguments, &[("PW", WORD), ("API_TOKEN", WORD)], b"");
        assert!(!ran.err.is_empty() || !ran.out.is_empty(), "{what}: nothing is told");
        assert_clean(folder, &format!("{what}, {arguments:?}"), &format!("{}{}", ran.out, ran.err));
    }
}

#[test]
fn secret_keys_are_hidden_however_they_are_spelled() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    for key in [
        "k.auth_header",
        "k.password",
        "k.passwd",
        "k.pwd",
        "k.apikey",
        "k.api_key",
        "k.credentials",
        "k.ssl.key.pem",
        "k.ssl.key.password",
        "k.encrpytion.key",
        "k.encryption.kye",
        "k.pasword",
    ] {
        for kind in ["kafka_source", "file"] {
            hunt(&folder, key, &format!("SELECT * FROM k WITH ('k.type'='{kind}','k.path'='a.jsonl','{key}'='Bearer {WORD}')"), &[]);
        }
        // On a line of its own, after a comment, as an older value.
        hunt(&folder, key, &format!("SELECT * FROM k WITH ('k.type'='file',\n'{key}' = -- was {WORD}\n  '{WORD}'\n, 'k.pth'='x', # {WORD}\n)"), &[]);
        folder.write("k.yaml", format!("type: file\npath: a.jsonl\n{}: {WORD}\n", key.strip_prefix("k.").unwrap()));
        hunt(&folder, key, "SELECT * FROM k WITH ('k.config_file'='k.yaml')", &[]);
        hunt(&folder, key, "SELECT * FROM k WITH ('k.type'='file','k.path'='a.jsonl')", &["--set", &format!("{key}={WORD}")]);
    }
}

#[test]
fn secrets_in_broken_clauses_are_hidden() {
    let folder = Folder::new();
    for broken in [
        format!("'k.password' '{WORD}'"),
        format!("'k.password' = \"{WORD}\""),
        format!("'k.password' = {WORD}"),
        format!("'k.password' => '{WORD}'"),
        format!("'k.password' = E'{WORD}'"),
        format!("'k.password' = N'{WORD}'"),
        format!("'k.password' = 'a''{WORD}' x"),
        format!("'k.password' = 'a''{WORD}', 'x"),
        format!("'k.password'\n= /* c */\n'{WORD}' x"),
        format!("'k.password', '{WORD}'"),
        format!("'{WORD}'"),
        format!("'k.password' = '{WORD}"),
        format!("'k.password = '{WORD}'"),
        format!("'k.pasword' = '{WORD}' 'k.x' = 'y'"),
    ] {
        for with in ["WITH (", "WIHT ("] {
            hunt(&folder, &broken, &format!("SELECT * FROM k {with}'k.type'='file', {broken})"), &[]);
        }
    }
}

#[test]
fn passwords_in_urls_and_connection_strings_are_hidden() {
    let folder = Folder::new();
    for value in [
        format!("postgresql://u:p/{WORD}@h/db"),
        format!("postgresql://u:p#{WORD}@h/db"),
        format!("postgresql://u:p?x@{WORD}@h/db"),
        format!("postgresql://h/db?user=u&password={WORD}"),
        format!("host=h password={WORD} dbname=d"),
        format!("host=h password = '{WORD}'"),
        format!("redis://{WORD}@h"),
    ] {
        let quoted = value.replace('\'', "''");
        for (key, kind) in [("k.path", "file"), ("k.connection.url", "database_source"), ("k.path", "fiel"), ("k.delimiter", "file"), ("k.format", "file")] {
            hunt(&folder, &value, &format!("SELECT * FROM k WITH ('k.type'='{kind}','{key}'='{quoted}')"), &[]);
        }
        folder.write("k.yaml", format!("type: file\npath: {}\nformat: csv\n", serde_json::Value::from(value.as_str())));
        hunt(&folder, &value, "SELECT * FROM k WITH ('k.config_file'='k.yaml')", &[]);
        let out = format!("SELECT * FROM k INTO o WITH ('k.type'='file','k.path'='k.jsonl','k.schema'='id BIGINT','o.type'='file','o.path'='{quoted}/')");
        hunt(&folder, &value, &out, &[]);
    }
}

#[test]
fn values_of_secret_variables_are_hidden_wherever_they_stand() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    let a = "'a.type'='file','a.path'='a.jsonl'";
    for variable in ["PW", "API_TOKEN"] {
        let value = format!("${{{variable}}}");
        for setting in [
            format!("'a.format'='a{value}'"),
            format!("'a.type'='{value}'"),
            format!("'a.path'='{value}'"),
            format!("'a.config_file'='{value}'"),
            format!("'a.schema'='id {value}'"),
            format!("'a.schema_file'='{value}'"),
            format!("'a.encoding'='{value}'"),
            format!("'batch.size'='{value}'"),
            format!("'o.path'='{value}.json'"),
            format!("'o.path'='{value}/'"),
            format!("'o.partition_columns'='{value}'"),
            format!("'o.delimiter'='{value}'"),
        ] {
            hunt(&folder, &setting, &format!("SELECT * FROM a INTO o WITH ({a},'o.type'='file','o.path'='o.json',{setting})"), &[]);
        }
        folder.write("a.yaml", format!("format: x{value}\nencoding: {value}\n"));
        hunt(&folder, &value, &format!("SELECT * FROM a WITH ({a},'a.config_file'='a.yaml')"), &[]);
        hunt(&folder, &value, &format!("SELECT * FROM a WITH ({a})"), &["--set", &format!("a.format={value}")]);
    }
}

#[test]
fn wrong_arguments_do_not_tell_what_was_typed() {
    let folder = Folder::new();
    let sql = format!("SELECT * FROM k WITH ('k.password'='{WORD}')");
    for arguments in [
        vec!["--set", WORD, "--sql", "SELECT 1"],
        vec!["--sql", "SELECT 1", "--set", WORD],
        vec!["validate", "s.sql", "--set", WORD],
        vec![sql.as_str()],
        vec!["run", &format!("k.password={WORD}")],
        vec!["options", &format!("password={WORD}")],
    ] {
        let ran = folder.run(&arguments);
        assert_eq!(ran.status, 2, "{arguments:?} {}", ran.err);
        assert_clean(&folder, &format!("{arguments:?}"), &format!("{}{}", ran.out, ran.err));
    }
}
