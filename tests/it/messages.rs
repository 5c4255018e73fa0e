//! The texts that users were promised, and what wrong SQL and wrong settings get: status 2, the place, and the nearest valid name, before anything is created.

use crate::velo::Folder;

fn refused(folder: &Folder, sql: &str) -> String {
    let before = folder.list("");
    let ran = folder.run(&["--sql", sql]);
    assert_eq!(ran.status, 2, "{sql}\n{}", ran.err);
    assert_eq!(folder.list(""), before, "nothing was created");
    assert!(ran.out.is_empty());
    for word in ["panicked", "Error {", "DataFusion", "ParserError", "Some(", "RUST_BACKTRACE"] {
        assert!(!ran.err.contains(word), "{word} in {}", ran.err);
    }
    ran.err
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("orders.jsonl", "{\"order_id\":1,\"customer_id\":2,\"amount\":1.5}\n");
    folder
}

const WITH: &str = "WITH ('orders.type'='file_source','orders.path'='orders.jsonl','o.type'='file_sink','o.path'='out/o.json')";

#[test]
fn a_source_or_sink_without_type() {
    let folder = folder();
    let error = refused(&folder, "SELECT * FROM orders_source WITH ('orders_source.path'='orders.jsonl')");
    assert!(
        error.starts_with(
            "Error: Source type must be explicitly specified for 'orders_source'. \nUse: 'orders_source.type' with values like 'kafka_source', 'file_source', 's3_source', 'database_source'\n"
        ),
        "{error}"
    );
    let error = refused(&folder, "SELECT * FROM orders INTO s WITH ('orders.type'='file','orders.path'='orders.jsonl')");
    assert!(
        error.starts_with("Error: Sink type must be explicitly specified for 's'. \nUse: 's.type' with values like 'kafka_sink', 'file_sink', 's3_sink', 'database_sink', 'iceberg_sink'\n"),
        "{error}"
    );
}

#[test]
fn no_datasource() {
    let folder = folder();
    assert!(
        refused(&folder, "CREATE STREAM j AS SELECT 100 AS constant_value").starts_with("Error: No supported datasource found in query analysis for job 'j'\n")
    );
    let planned = refused(&folder, "CREATE STREAM j AS SELECT * FROM k WITH ('k.type'='s3_source','k.path'='s3://b/t')");
    assert!(planned.starts_with("Error: No supported datasource found in query analysis for job 'j'\n") && planned.contains("file_source"), "{planned}");
}

#[test]
fn a_missing_file() {
    let folder = folder();
    let error = refused(
        &folder,
        "CREATE STREAM j AS SELECT * FROM orders INTO o WITH ('orders.type'='file','orders.path'='nope.jsonl','o.type'='file','o.path'='out/o.json')",
    );
    assert!(
        error.contains("Error: Job 'j' failed to create data sources: Failed to create source 'source_0_orders': nope.jsonl: No such file or directory"),
        "{error}"
    );
}

#[test]
fn unknown_columns_tables_and_functions() {
    let folder = folder();
    let error = refused(&folder, &format!("SELECT custmer_id\nFROM orders INTO o {WITH}"));
    assert!(error.contains("Error: column 'custmer_id' not found") && error.contains("--sql:1:8") && error.contains("nearest: customer_id"), "{error}");
    assert!(error.contains("^^^^^^^^^^"), "{error}");
    let error = refused(&folder, &format!("SELECT x.order_id FROM orders o1 INTO o {WITH}"));
    assert!(error.contains("'x' is not a table or alias of this FROM"), "{error}");
    let error = refused(&folder, &format!("SELECT bite_length(order_id) FROM orders INTO o {WITH}"));
    assert!(error.contains("unknown function 'bite_length'"), "{error}");
    let error = refused(&folder, &format!("SELECT order_id + FROM orders INTO o {WITH}"));
    assert!(error.contains("--sql:1:"), "{error}");
}

#[test]
fn wrong_keys_and_values() {
    let folder = folder();
    let with = |extra: &str| {
        format!(
            "SELECT * FROM orders INTO o\nWITH ('orders.type'='file_source','orders.path'='orders.jsonl','o.type'='file_sink','o.path'='out/o.json',\n  {extra})"
        )
    };
    for (extra, texts) in [
        ("'orders.pth'='x'", vec!["unknown key 'orders.pth'", "did you mean 'orders.path'?", "--sql:3:3"]),
        ("'batch.sizes'='5'", vec!["unknown key 'batch.sizes'", "batch.size"]),
        ("'oders.format'='csv'", vec!["unknown key 'oders.format'", "orders.format"]),
        ("'batch.size'='many'", vec!["'batch.size' = 'many' is not a count", "--sql:3:16"]),
        ("'batch.timeout'='5 fortnights'", vec!["is not a duration"]),
        ("'orders.follow'='maybe'", vec!["is not a boolean: expected true or false"]),
        ("'o.rotation'='weekly'", vec!["is not a rotation: expected hourly or daily"]),
        ("'orders.topic'='t'", vec!["is a key of kafka_source"]),
        ("'o.delimiter'=';;'", vec!["is not a delimiter"]),
        ("'failure_strategy'='Hope'", vec!["is not a failure strategy"]),
        ("'orders.schema'='id BIGNIT'", vec!["unknown type 'BIGNIT'; nearest: BIGINT"]),
        ("'orders.config_file'='nope.yaml'", vec!["cannot read nope.yaml: No such file or directory"]),
        ("'orders.format'='${NOT_SET_ANYWHERE}'", vec!["environment variable NOT_SET_ANYWHERE is not set", "${NOT_SET_ANYWHERE:-default}"]),
        ("'o.type'='file_source'", vec!["is not a sink type"]),
        ("'o.path'=''", vec!["'o.path' = '' is not a path: expected a path, found an empty text"]),
        ("'orders.path'=''", vec!["'orders.path' = '' is not a path: expected a path, found an empty text"]),
        ("'execution.mode'='later'", vec!["is not an execution mode: expected auto, stream or batch"]),
        ("'orders.max_record_size'='much'", vec!["is not a number of bytes"]),
        ("'orders.until'='never'", vec!["is not an end of reading"]),
        ("'o.compression'='snappy'", vec!["json files can't be compressed that way"]),
    ] {
        let error = refused(&folder, &with(extra));
        for text in texts {
            assert!(error.contains(text), "{extra}: lacks {text:?}: {error}");
        }
    }
}

#[test]
fn all_faults_of_a_script_are_told_at_once() {
    let folder = folder();
    let script = "SELECT nope FROM orders WITH ('orders.type'='file','orders.path'='orders.jsonl');\nSELECT * FROM orders INTO s WITH ('orders.type'='file','orders.path'='orders.jsonl');\nSELECT * FROM orders WITH ('orders.type'='file','orders.path'='orders.jsonl','orders.pth'='x')";
    let error = refused(&folder, script);
    for text in ["column 'nope' not found", "Sink type must be", "unknown key 'orders.pth'"] {
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[test]
fn columns_may_be_spelled_in_another_case_if_only_one_fits() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"orderId\":1,\"x\":1,\"X\":2}\n");
    let with = "WITH ('a.type'='file','a.path'='a.jsonl')";
    assert_eq!(folder.run(&["--quiet", "--sql", &format!("SELECT orderid FROM a {with}")]).expect(0).out, "{\"orderId\":1}\n");
    assert_eq!(folder.run(&["--quiet", "--sql", &format!("SELECT x, X FROM a {with}")]).expect(0).out, "{\"x\":1,\"X\":2}\n");
}

#[test]
fn deep_nesting_is_refused_by_parser_and_planner() {
    let folder = folder();
    for text in [
        format!("SELECT {}1{} AS x FROM orders", "(".repeat(10_000), ")".repeat(10_000)),
        format!("SELECT {} 1 {} AS x FROM orders", "CASE WHEN true THEN ".repeat(10_000), " END".repeat(10_000)),
        format!("SELECT {} order_id AS x FROM orders", "/*".repeat(10_000)),
        format!("SELECT order_id FROM orders {}", "UNION ALL SELECT order_id FROM orders ".repeat(10_000)),
        format!("SELECT {} order_id FROM orders", "order_id + ".repeat(10_000)),
    ] {
        let ran = folder.run_with(&["run", "-"], &[], format!("{text} {WITH}").as_bytes());
        assert_eq!(ran.status, 2, "{}", &ran.err[..ran.err.len().min(2_000)]);
        assert!(ran.err.len() < 5_000, "the error is as long as the statement");
    }
}

#[test]
fn forms_that_are_not_carried_out_are_told_in_sentences() {
    let folder = folder();
    for (select, texts) in [
        ("SELECT order_id IN (SELECT customer_id FROM orders) AS x FROM orders", ["this IN (SELECT …) can't be carried out", "LEFT JOIN"]),
        (
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM orders b WHERE b.order_id = orders.customer_id) THEN 1 END AS x FROM orders",
            ["this EXISTS (SELECT …) can't be carried out", "LEFT JOIN"],
        ),
        (
            "SELECT a.order_id, x.amount FROM orders a, LATERAL (SELECT amount FROM orders b WHERE b.order_id = a.customer_id LIMIT 1) x",
            ["a subquery names 'a.customer_id', a column of the query around it, where it can't", "write a join"],
        ),
        (
            "SELECT a.order_id, x.y FROM orders a, LATERAL (SELECT a.amount + 1 AS y) x",
            ["a subquery names 'a.amount', a column of the query around it, where it can't", "write a join"],
        ),
        (
            "SELECT (SELECT max(b.amount) FROM orders b WHERE b.order_id > orders.order_id) AS x FROM orders",
            ["this subquery for a single value can't be carried out", "GROUP BY"],
        ),
        (
            "SELECT a.amount FROM orders a LEFT JOIN orders b ON EXISTS (SELECT 1 FROM orders c WHERE c.order_id = a.order_id)",
            ["a subquery names 'a.order_id', a column of the query around it, where it can't", "WHERE, not in ON"],
        ),
        ("SELECT order_id FROM orders WHERE order_id IN UNNEST([1])", ["IN UNNEST is not supported", ""]),
        (
            "SELECT a.amount FROM orders a ASOF JOIN orders b MATCH_CONDITION (a.amount >= b.amount) ON a.order_id = b.order_id",
            ["ASOF JOIN is not supported", ""],
        ),
        ("SELECT INTERVAL amount AS x FROM orders", ["Unsupported interval argument. Expected string literal or number\n", ""]),
    ] {
        let with = "WITH ('orders.type'='file','orders.path'='orders.jsonl','execution.mode'='batch')";
        let error = refused(&folder, &format!("{select} {with}"));
        for text in texts {
            assert!(error.contains(text), "{select}: lacks {text:?}: {error}");
        }
        let message = error.lines().find(|line| line.starts_with("Error: ")).unwrap_or_default();
        for word in [" { ", "Ident", "Column", "Bare", "__correlated", "<subquery>"] {
            assert!(!message.contains(word), "{word} in {message}");
        }
    }
}
