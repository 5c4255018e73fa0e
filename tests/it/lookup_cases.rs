//! The edges of lookup joins: NULL keys, limits below them, tables that are loaded again, nested keys, one source on both sides.

use crate::velo::{Folder, Ran, assert_balanced};

const TABLE: &str = "{\"k\":1,\"v\":1}\n{\"k\":2,\"v\":2}\n{\"k\":null,\"v\":3}\n{\"k\":9,\"v\":4}\n";

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Runs a query of the table `t` and of `s`, which comes from standard input and so is the stream wherever it stands.
fn piped(folder: &Folder, query: &str, settings: &str, stream: &str) -> Ran {
    folder.write("t.jsonl", TABLE);
    let sql = format!(
        "{query} WITH ('s.type'='file','s.path'='-','s.format'='jsonlines','s.schema'='k BIGINT, v BIGINT','t.type'='file','t.path'='t.jsonl'{settings})"
    );
    let ran = folder.run_with(&["--summary", "json", "--sql", &sql], &[], stream.as_bytes());
    if ran.status == 0 {
        assert_balanced(&ran.job());
    }
    ran
}

#[test]
fn not_in_over_a_stream_knows_null() {
    let folder = Folder::new();
    let query = "SELECT v FROM t WHERE k NOT IN (SELECT k FROM s WHERE v IS NULL)";
    let rows = |stream: &str| piped(&folder, query, ",'batch.strategy'='fixed_size','batch.size'='1'", stream).expect(0).out;
    assert_eq!(rows("{\"k\":1}\n{\"k\":5}\n"), "{\"v\":2}\n{\"v\":4}\n", "a NULL outside is unknown");
    assert_eq!(rows("{\"k\":1}\n{\"k\":null}\n{\"k\":5}\n"), "", "a NULL inside makes all others unknown");
    assert_eq!(rows(""), "{\"v\":1}\n{\"v\":2}\n{\"v\":3}\n{\"v\":4}\n", "nothing is in an empty set, not even NULL");
    assert_eq!(rows("{\"k\":null,\"v\":1}\n"), rows(""), "what the condition leaves out is not there");
}

#[test]
fn not_in_is_refused_where_null_would_be_forgotten() {
    let folder = Folder::new();
    folder.write("s.jsonl", TABLE);
    folder.write("t.jsonl", TABLE);
    let with = |nullable: &str| {
        let columns = format!("k BIGINT{nullable}, v BIGINT{nullable}");
        format!(
            "WITH ('s.type'='file','s.path'='s.jsonl','s.schema'='{columns}','t.type'='file','t.path'='t.jsonl','t.schema'='{columns}','failure_strategy'='LogAndContinue')"
        )
    };
    let set = "(SELECT k FROM s)";
    for (condition, is_refused) in [
        (format!("k NOT IN {set}"), false),
        (format!("k NOT IN {set} AND v > 1"), false),
        (format!("NOT (k IN {set} OR v = 1)"), false),
        (format!("NOT (k NOT IN {set} AND v = 1)"), false),
        (format!("k IN {set} OR v = 1"), false),
        (format!("CASE WHEN k IN {set} THEN v > 1 ELSE v < 1 END"), false),
        (format!("(k IN {set} OR v = 1) IS NOT TRUE"), false),
        (format!("k NOT IN {set} OR v = 1"), true),
        (format!("NOT (k IN {set} AND v = 1)"), true),
        (format!("(k IN {set}) IS NULL"), true),
        (format!("(k IN {set}) = false"), true),
        (format!("CASE WHEN k NOT IN {set} THEN v > 1 ELSE v < 1 END"), true),
        ("k NOT IN (SELECT s.k FROM s WHERE s.v = t.v)".to_owned(), true),
    ] {
        for mode in ["batch", "stream"] {
            let run = |nullable: &str| {
                folder.run(&["--sql", &format!("SELECT v FROM t WHERE {condition} {}", with(nullable)), "--set", &format!("execution.mode={mode}")])
            };
            let ran = run("");
            assert_eq!(ran.status, if is_refused { 2 } else { 0 }, "{condition}: {}", ran.err);
            assert!(!is_refused || ran.err.contains("Error: NOT IN (SELECT …) ") && ran.err.contains("write NOT EXISTS (SELECT …"), "{condition}: {}", ran.err);
            // Without NULL there is nothing to forget; a correlated NOT IN then is a plain anti join.
            assert_eq!(run(" NOT NULL").status, 0, "{condition}");
        }
    }
    let on = format!("SELECT t.v FROM t JOIN s ON t.k = s.k AND (t.k NOT IN {set} OR t.v = 1) {}", with(""));
    assert_eq!(folder.run(&["--sql", &on]).status, 2);
    let half = with(" NOT NULL").replace("v BIGINT NOT NULL", "v BIGINT");
    let error = folder.run(&["--sql", &format!("SELECT v FROM t WHERE k NOT IN (SELECT s.k FROM s WHERE s.v = t.v) {half}")]).expect(2).err;
    assert!(error.contains("Error: NOT IN (SELECT …) whose query names columns of the query around it can't be carried out"), "{error}");
}

#[test]
fn a_limit_below_a_join_ends_the_stream_and_not_the_table() {
    let folder = Folder::new();
    let stream = "{\"k\":1,\"v\":10}\n{\"k\":1,\"v\":11}\n{\"k\":2,\"v\":12}\n";
    let limited = "(SELECT * FROM s LIMIT 2) a";
    let kept = ["{\"v\":null,\"tv\":2}", "{\"v\":null,\"tv\":3}", "{\"v\":null,\"tv\":4}"];
    let matched = ["{\"v\":10,\"tv\":1}", "{\"v\":11,\"tv\":1}"];
    let both: Vec<&str> = matched.iter().chain(&kept).copied().collect();
    for (query, expected) in [
        (format!("SELECT a.v, t.v AS tv FROM {limited} RIGHT JOIN t ON a.k = t.k"), &both),
        (format!("SELECT a.v, t.v AS tv FROM {limited} FULL JOIN t ON a.k = t.k"), &both),
        (format!("SELECT a.v, t.v AS tv FROM t LEFT JOIN {limited} ON a.k = t.k"), &both),
        (format!("SELECT NULL AS v, v AS tv FROM t WHERE NOT EXISTS (SELECT 1 FROM {limited} WHERE a.k = t.k)"), &kept.to_vec()),
        // The limit above is not reached, and the one below ends the job all the same.
        (format!("SELECT a.v, t.v AS tv FROM {limited} FULL JOIN t ON a.k = t.k LIMIT 100"), &both),
    ] {
        for size in [1, 2, 100] {
            let settings = format!(",'batch.strategy'='fixed_size','batch.timeout'='50ms','batch.size'='{size}'");
            let ran = piped(&folder, &query, &settings, stream).expect(0);
            assert_eq!(sorted(&ran.out), *expected, "{query} by {size}");
        }
    }
}

#[test]
fn a_limited_endless_stream_ends_with_the_rows_of_its_table() {
    let folder = Folder::new();
    folder.write("t.jsonl", TABLE);
    folder.write("s.jsonl", "{\"k\":1,\"v\":10}\n{\"k\":1,\"v\":11}\n{\"k\":2,\"v\":12}\n");
    let query = "SELECT a.v, t.v AS tv FROM t LEFT JOIN (SELECT * FROM s LIMIT 2) a ON a.k = t.k LIMIT 100";
    let sql = format!("{query} WITH ('s.type'='file','s.path'='s.jsonl','s.follow'='true','t.type'='file','t.path'='t.jsonl')");
    let ran = folder.sql(&sql).expect(0);
    assert_eq!(ran.out.lines().count(), 5, "{}", ran.out);
    assert_balanced(&ran.job());
}

#[test]
fn a_table_whose_own_rows_come_out_is_not_loaded_again() {
    let folder = Folder::new();
    let refreshed = ",'t.refresh_interval'='200ms'";
    for query in [
        "SELECT s.v, t.v AS tv FROM s FULL JOIN t ON s.k = t.k",
        "SELECT s.v, t.v AS tv FROM s RIGHT JOIN t ON s.k = t.k",
        "SELECT s.v, t.v AS tv FROM t LEFT JOIN s ON s.k = t.k",
        "SELECT v FROM t WHERE k IN (SELECT k FROM s)",
        "SELECT v FROM t WHERE k NOT IN (SELECT k FROM s)",
        "SELECT v FROM t WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.k = t.k)",
        "SELECT v FROM t WHERE k IN (SELECT k FROM s) OR v = 1",
    ] {
        let error = piped(&folder, query, refreshed, "").expect(2).err;
        assert!(error.contains("Error: 't.refresh_interval' can't be used here: the statement emits rows of the table 't' themselves, each once"), "{error}");
        assert!(error.contains("leave 't.refresh_interval' out, or let only the stream's rows come out: stream LEFT JOIN t"), "{error}");
        piped(&folder, query, "", "").expect(0);
    }
    for query in [
        "SELECT s.v, t.v AS tv FROM s LEFT JOIN t ON s.k = t.k",
        "SELECT s.v, t.v AS tv FROM t RIGHT JOIN s ON s.k = t.k",
        "SELECT s.v, t.v AS tv FROM t JOIN s ON s.k = t.k",
        "SELECT v FROM s WHERE k IN (SELECT k FROM t)",
        "SELECT v FROM s WHERE k NOT IN (SELECT k FROM t)",
    ] {
        piped(&folder, query, refreshed, "{\"k\":1,\"v\":10}\n").expect(0);
    }
}

#[test]
fn a_source_that_is_stream_and_table_counts_as_input_once() {
    let folder = Folder::new();
    folder.write("s.jsonl", format!("{TABLE}{{\"k\":1,\"v\":5}}\nnot a record\n"));
    for (query, rows) in [
        ("SELECT a.v, b.v AS bv FROM s a JOIN s b ON a.k = b.k", 6),
        ("SELECT v FROM s WHERE v IN (SELECT k FROM s)", 2),
        ("SELECT v FROM s WHERE k NOT IN (SELECT v FROM s)", 1),
        ("SELECT a.v, b.v AS bv FROM s a LEFT JOIN s b ON a.k = b.v JOIN s c ON c.v = a.v", 5),
        ("SELECT v FROM s UNION ALL SELECT a.v FROM s a JOIN s b ON a.k = b.k", 11),
    ] {
        for size in [1, 3, 100] {
            let ran = folder
                .sql(&format!(
                    "{query} WITH ('s.type'='file','s.path'='s.jsonl','s.schema'='k BIGINT, v BIGINT','execution.mode'='stream',
                     'failure_strategy'='LogAndContinue','batch.strategy'='fixed_size','batch.size'='{size}')"
                ))
                .expect(0);
            assert_eq!(ran.out.lines().count(), rows, "{query}");
            let job = ran.job();
            assert_eq!((job["in"].as_u64(), job["rejected"].as_u64()), (Some(6), Some(1)), "{query}: {job}");
            assert_balanced(&job);
            for role in ["stream", "table"] {
                let counted: Vec<_> = job["sources"].as_array().unwrap().iter().filter(|source| source["role"] == role).collect();
                assert_eq!(counted.len(), 1, "{query}: {job}");
                // Several tables of one source are read together.
                assert_eq!((counted[0]["records"].as_u64(), counted[0]["rejected"].as_u64()), (Some(6), Some(1)), "{query}: {job}");
            }
        }
    }
}

#[test]
fn explain_names_joins_and_columns_as_sql_does() {
    let folder = Folder::new();
    folder.write("s.jsonl", TABLE);
    folder.write("t.jsonl", TABLE);
    let with = "WITH ('s.type'='file','s.path'='s.jsonl','t.type'='file','t.path'='t.jsonl','execution.mode'='stream')";
    for (query, flow) in [
        ("SELECT s.v, t.v AS tv FROM s JOIN t ON s.k = t.k", "s --lookup (INNER) t"),
        ("SELECT s.v, t.v AS tv FROM s LEFT JOIN t ON s.k = t.k", "s --lookup (LEFT) t"),
        ("SELECT s.v, t.v AS tv FROM s RIGHT JOIN t ON s.k = t.k", "s --lookup (RIGHT) t"),
        ("SELECT s.v, t.v AS tv FROM s FULL JOIN t ON s.k = t.k", "s --lookup (FULL) t"),
        ("SELECT v FROM s WHERE k IN (SELECT k FROM t)", "s --lookup (SEMI) t"),
        ("SELECT v FROM s WHERE k NOT IN (SELECT k FROM t)", "s --lookup (ANTI) t"),
        ("SELECT v FROM s WHERE k IN (SELECT k FROM t) OR v = 1", "s --lookup (MARK) t"),
        ("SELECT s.v FROM s LEFT JOIN t ON s.k = t.k WHERE s.k > s.v + 2", "filter k > v + 2"),
    ] {
        folder.write("e.sql", format!("{query} {with}"));
        let text = folder.run(&["explain", "e.sql"]).expect(0).out;
        assert!(text.contains(flow), "{query}: {text}");
        let operators: Vec<&str> = text.lines().filter(|line| line.contains("filter") || line.contains("lookup")).collect();
        assert!(!operators.concat().contains('@'), "{text}");
    }
}

#[test]
fn a_row_of_a_table_whose_expression_fails_is_left_out_and_counted() {
    let folder = Folder::new();
    let stream = "{\"k\":1}\n{\"k\":8}\n";
    for (query, expected) in [
        // The second row of the table divides by zero.
        ("SELECT s.k, x.q FROM s LEFT JOIN (SELECT k, 10 / (v - 2) AS q FROM t) x ON s.k = x.k", "{\"k\":1,\"q\":-10}\n{\"k\":8,\"q\":null}\n"),
        ("SELECT s.k, t.v FROM s LEFT JOIN t ON s.k = t.k AND s.k = 1 / (t.v - 2) + 2", "{\"k\":1,\"v\":1}\n{\"k\":8,\"v\":null}\n"),
        ("SELECT s.k, t.v FROM s LEFT JOIN (SELECT * FROM t WHERE 10 / (v - 2) < 100) t ON s.k = t.k", "{\"k\":1,\"v\":1}\n{\"k\":8,\"v\":null}\n"),
    ] {
        let tolerant = piped(&folder, query, ",'failure_strategy'='LogAndContinue'", stream).expect(0);
        assert_eq!(tolerant.out, expected, "{query}");
        let sources = tolerant.job()["sources"].as_array().unwrap().clone();
        let table = sources.iter().find(|source| source["name"] == "t").unwrap();
        assert_eq!((table["rejected"].as_u64(), tolerant.job()["rejected"].as_u64()), (Some(1), Some(0)), "{query}: {}", tolerant.err);
        assert!(tolerant.err.contains("table 't'") && tolerant.err.contains("Divide by zero"), "{query}: {}", tolerant.err);
        let strict = piped(&folder, query, "", stream).expect(1);
        assert!(strict.err.contains("a table can't be loaded") && strict.err.contains("Divide by zero"), "{query}: {}", strict.err);
    }
}
