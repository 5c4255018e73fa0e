//! What is wrong with a script is told in one run: each fault once, and none that only follows from another.

use crate::velo::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("orders.jsonl", "{\"order_id\":1,\"amount\":1.5}\n");
    folder
}

const ORDERS: &str = "'orders.type'='file','orders.path'='orders.jsonl'";
const O: &str = "'o.type'='file','o.path'='out/o.json'";

/// The first lines of the errors; nothing was created.
fn told(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)], script: &str) -> Vec<String> {
    folder.write("s.sql", script);
    let before = folder.list("");
    let ran = folder.run_with(arguments, variables, b"");
    assert_eq!(ran.status, 2, "{script}\n{}", ran.err);
    assert_eq!(folder.list(""), before, "nothing was created");
    ran.err.split("Error: ").skip(1).map(|error| error.lines().next().unwrap().trim_end().to_owned()).collect()
}

/// Checks that each of the errors starts with one of the texts, that each text is told, and nothing else.
fn assert_told(script: &str, expected: &[&str]) {
    assert_told_by(&["run", "validate", "explain"], script, expected);
}

fn assert_told_by(commands: &[&str], script: &str, expected: &[&str]) {
    let folder = folder();
    for command in commands {
        let errors = told(&folder, &[command, "s.sql"], &[], script);
        assert_eq!(errors.len(), expected.len(), "{command} {script}\n{errors:#?}");
        for text in expected {
            assert!(errors.iter().any(|error| error.starts_with(text)), "{command}: {text}: {errors:#?}");
        }
    }
}

#[test]
fn seven_faulty_statements_are_told_in_text_order() {
    let script = format!(
        "SELECT * FRM orders WITH ({ORDERS});
         SELECT * FROM orders WITH ('orders.path'='orders.jsonl');
         SELECT * FROM orders WITH ({ORDERS},'orders.pth'='x');
         SELECT * FROM orders INTO o WITH ('orders.type'='file','orders.path'='gone.jsonl','orders.schema'='order_id BIGINT',{O});
         SELECT nope FROM orders WITH ({ORDERS});
         SELECT * FROM orders INTO o WITH ({ORDERS},{O},'o.format'='parquet','o.append'='true');
         SELECT * FROM orders INTO o WITH ({ORDERS},{O},'o.rotation'='weekly','batch.sizes'='1');"
    );
    let errors = told(&folder(), &["run", "s.sql"], &[], &script);
    let expected = [
        "expected the end of the statement, found 'FRM'",
        "Source type must be explicitly specified for 'orders'.",
        "unknown key 'orders.pth'",
        "Job 'query_4' failed to create data sources: Failed to create source 'source_0_orders': gone.jsonl: No such file or directory",
        "column 'nope' not found",
        "sink 'o' of job 'query_6' and sink 'o' of job 'query_4' write to one file",
        "'o.append': nothing can be appended to a parquet file",
        "unknown key 'batch.sizes'",
        "'o.rotation' = 'weekly' is not a rotation: expected hourly or daily",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, text) in errors.iter().zip(expected) {
        assert!(error.starts_with(text), "{text}\n{errors:#?}");
    }
}

#[test]
fn faults_of_one_statement_do_not_hide_each_other() {
    let bad_sinks = "'o.type'='file','o.path'='o.parquet','o.append'='true','p.type'='file','p.path'='p/'";
    let sink_faults = ["'o.append': nothing can be appended to a parquet file", "'p.path' = 'p/' names no file"];
    assert_told(&format!("SELECT * FROM orders INTO o, p WITH ({ORDERS},{bad_sinks})"), &sink_faults);
    assert_told(&format!("SELECT nope FROM orders INTO o, p WITH ({ORDERS},{bad_sinks})"), &["column 'nope' not found", sink_faults[0], sink_faults[1]]);
    assert_told(
        &format!("SELECT nope FROM orders INTO o WITH ({ORDERS},{O},'o.pth'='x','batch.size'='many')"),
        &["column 'nope' not found", "unknown key 'o.pth'", "'batch.size' = 'many' is not a count"],
    );
    assert_told(
        &format!("SELECT * FROM orders WITH ({ORDERS},'orders.schema'='id BIGNIT','orders.max_retries'='few')"),
        &["'orders.schema': unknown type 'BIGNIT'", "'orders.max_retries' = 'few' is not a count"],
    );
    assert_told(
        &format!(
            "SELECT * FROM orders INTO o WITH ('orders.type'='file','orders.config_file'='gone.yaml','orders.pthh'='x','orders.follow'='maybe',{O},'o.config_file'='gone.yaml','o.pthh'='x')"
        ),
        &["cannot read gone.yaml", "unknown key 'orders.pthh'", "'orders.follow' = 'maybe' is not a boolean", "cannot read gone.yaml", "unknown key 'o.pthh'"],
    );
    assert_told_by(
        &["run"],
        "SELECT nope FROM orders WITH ('orders.type'='file','orders.path'='gone','orders.schema'='id BIGINT','orders.fllow'='true')",
        &["unknown key 'orders.fllow'", "Job 'query_1' failed to create data sources", "column 'nope' not found"],
    );
}

#[test]
fn what_follows_from_a_fault_is_not_told() {
    // A misspelt key, and the key that it was meant for.
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.type'='file','o.pth'='x')"), &["unknown key 'o.pth'"]);
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.tpye'='file','o.path'='x')"), &["unknown key 'o.tpye'"]);
    assert_told("SELECT * FROM orders WITH ('orders.TYPE'='file','orders.path'='orders.jsonl')", &["unknown key 'orders.TYPE'"]);
    // A variable, and the key that needs it.
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.type'='file','o.path'='${{NOT_SET}}')"), &["environment variable NOT_SET is not set"]);
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.type'='${{NOT_SET}}','o.path'='x')"), &["environment variable NOT_SET is not set"]);
    // An unknown key needs no value, and neither does one that is overridden.
    assert_told(&format!("SELECT * FROM orders WITH ({ORDERS},'orders.fromat'='${{NOT_SET}}')"), &["unknown key 'orders.fromat'"]);
    // The settings of a kind that is not known, in a file that can't be read.
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.config_file'='gone.yaml')"), &["cannot read gone.yaml"]);
    // The stream of a broken statement, with and without a plan, and whoever reads it.
    for broken in ["SELECT * FRM orders", "SELECT nope FROM orders", "SELECT * FROM orders WHERE", "SELCT * FROM orders"] {
        let script = format!("CREATE STREAM s AS {broken} WITH ({ORDERS});\nCREATE STREAM t AS SELECT x FROM s;\nSELECT y FROM t");
        assert_eq!(told(&folder(), &["run", "s.sql"], &[], &script).len(), 1, "{script}");
    }
    // A wrong variable of the job is one fault, however many jobs there are.
    let script = format!("SELECT * FROM orders WITH ({ORDERS});\nSELECT * FROM orders WITH ({ORDERS})");
    let errors = told(&folder(), &["run", "s.sql"], &[("VELO_BATCH_TIMEOUT_MS", "soon")], &script);
    assert_eq!(errors.len(), 1, "{errors:#?}");
}

#[test]
fn a_chain_is_checked_past_a_fault_that_leaves_its_columns_known() {
    let script = format!("CREATE STREAM s AS SELECT order_id FROM orders INTO o WITH ({ORDERS},{O},'o.pth'='x');\nSELECT nope FROM s");
    assert_told(&script, &["unknown key 'o.pth'", "column 'nope' not found"]);
}

#[test]
fn missing_keys_have_a_place() {
    let folder = folder();
    let errors = told(&folder, &["run", "s.sql"], &[], &format!("SELECT *\nFROM orders\nINTO o WITH ({ORDERS},'o.type'='file')"));
    assert!(errors[0].starts_with("'o.path' is missing"), "{errors:#?}");
    assert!(folder.run(&["run", "s.sql"]).err.contains("--> s.sql:3:6 |"));
}

#[test]
fn a_type_is_missing_and_other_keys_are_unknown() {
    assert_told(
        &format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.path'='x','o.fromat'='json')"),
        &["Sink type must be explicitly specified for 'o'.", "unknown key 'o.fromat'"],
    );
    // Kinds of later builds have keys, too.
    assert_told(&format!("SELECT * FROM orders INTO o WITH ({ORDERS},'o.topic'='x')"), &["Sink type must be explicitly specified for 'o'."]);
}

#[test]
fn keys_of_the_kafka_client_are_known_whatever_else_is_wrong() {
    let kafka = "'k.type'='kafka_source','k.fetch.error.backoff.ms'='5','k.fetch.min.bytes'='7'";
    assert_told(&format!("SELECT * FROM k WITH ({kafka},'k.bootstrap.srevers'='h:1')"), &["unknown key 'k.bootstrap.srevers'"]);
    assert_told(&format!("SELECT * FROM k WITH ({kafka},'k.path'='x')"), &["'k.bootstrap.servers' is missing", "'k.path' is a key of file_source"]);
    assert_told(
        &format!("SELECT * FROM k WITH ({kafka},'k.bootstrap.servers'='${{NOT_SET}}','k.fetch.max.bytes'='many','k.client.rack'='${{NOT_SET_EITHER}}')"),
        &["environment variable NOT_SET is not set", "environment variable NOT_SET_EITHER is not set", "'k.fetch.max.bytes': "],
    );
    assert_told("SELECT * FROM k WITH ('k.linger.ms'='5')", &["Source type must be explicitly specified for 'k'."]);
}

#[test]
fn scripts_do_not_hide_each_other() {
    let folder = folder();
    folder.write("t.sql", "SELECT * FROM orders WITH ('orders.path'='x')");
    let errors = told(&folder, &["run", "gone.sql", "t.sql", "s.sql"], &[], "SELCT 1");
    let expected = ["cannot read gone.sql", "Source type must be explicitly specified for 'orders'.", "expected SELECT or CREATE STREAM, found 'SELCT'"];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    assert!(errors.iter().zip(expected).all(|(error, text)| error.starts_with(text)), "{errors:#?}");
}

#[test]
fn a_key_of_the_command_line_has_to_fit_one_statement() {
    let folder = folder();
    folder.write(
        "t.sql",
        format!("SELECT * FROM orders INTO o WITH ({ORDERS},{O});\nSELECT * FROM orders p INTO r WITH ({ORDERS},'r.type'='file','r.path'='r.json')"),
    );
    for fits in ["r.append=false", "orders.follow=false", "o.rotation=daily", "batch.size=7"] {
        folder.run(&["validate", "t.sql", "--set", fits]).expect(0);
    }
    for (unfit, text) in [
        ("o.fllow=false", "--set: unknown key 'o.fllow'"),
        ("q.path=x", "--set: unknown key 'q.path'"),
        ("p.format=csv", "--set: 'p' is an alias; settings are written with the name of the table"),
        ("o.rotation=weekly", "--set: 'o.rotation' = 'weekly' is not a rotation"),
    ] {
        let ran = folder.run(&["validate", "t.sql", "--set", unfit]).expect(2);
        assert!(ran.err.starts_with(&format!("Error: {text}")) && ran.err.matches("Error: ").count() == 1, "{unfit}: {}", ran.err);
    }
    // Where a statement can't be read, the key may be one of it.
    let errors = told(&folder, &["run", "s.sql", "--set", "q.path=x"], &[], "SELCT * FROM q");
    assert_eq!(errors.len(), 1, "{errors:#?}");
}
