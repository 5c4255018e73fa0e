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
