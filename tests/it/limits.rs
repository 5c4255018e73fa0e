//! Statements that grow while they are planned: just within each limit they run in a few seconds of an unoptimised build, just beyond it they are refused with a word for the limit.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use crate::velo::{Folder, Ran};

/// Seconds of processor time that any of these may take; the machine may be busy with other tests.
const MOST_SECONDS: u64 = 10;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("o.jsonl", "{\"order_id\":1,\"customer_id\":2,\"amount\":1.5}\n");
    folder
}

fn run(folder: &Folder, sql: &str, mode: &str) -> Ran {
    folder.write("q.sql", format!("{sql} WITH ('o.type'='file','o.path'='o.jsonl','execution.mode'='{mode}')"));
    let mut command = folder.command(&["run", "q.sql", "--quiet"]);
    let limit = libc::rlimit { rlim_cur: MOST_SECONDS, rlim_max: MOST_SECONDS };
    // SAFETY: between fork and exec only setrlimit is called.
    unsafe { command.pre_exec(move || if libc::setrlimit(libc::RLIMIT_CPU, &limit) == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }) };
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

fn assert_runs(folder: &Folder, name: &str, sql: &str) {
    for mode in ["batch", "stream"] {
        let ran = run(folder, sql, mode);
        // What a stream has no operator for is refused in time, too.
        let refused = mode == "stream" && ran.status == 2 && ran.err.contains("'execution.mode' = 'batch'");
        assert!(ran.status == 0 && !ran.out.is_empty() || refused, "{name} ({mode}): status {}\n{}", ran.status, &ran.err[..ran.err.len().min(2_000)]);
    }
}

fn assert_refused(folder: &Folder, name: &str, sql: &str, message: &str) {
    let ran = run(folder, sql, "batch");
    assert!(ran.status == 2 && ran.err.contains(message), "{name}: status {}\n{}", ran.status, &ran.err[..ran.err.len().min(2_000)]);
    assert!(ran.err.len() < 2_000, "{name}: the error is as long as the statement");
}

/// `first`, then `more` with `{}` replaced by 1, 2, … `count`.
fn series(first: &str, more: &str, count: usize) -> String {
    (1..=count).fold(first.to_owned(), |text, number| text + &more.replace("{-}", &(number - 1).to_string()).replace("{}", &number.to_string()))
}

/// `open` `count` times, `inner`, `close` as often.
fn nested(open: &str, inner: &str, close: &str, count: usize) -> String {
    open.repeat(count) + inner + &close.repeat(count)
}

fn select(expression: &str) -> String {
    format!("SELECT {expression} AS x FROM o")
}

fn ctes(first: &str, more: &str, count: usize) -> String {
    format!("WITH {} SELECT * FROM c{count}", series(&format!("c0 AS ({first})"), more, count))
}

/// A limit: a statement of any size, the largest that is accepted, and what the next is told.
struct Limit {
    name: &'static str,
    most: usize,
    message: &'static str,
    sql: fn(usize) -> String,
}

const UNFOLD: &str = "the expressions of this statement unfold to more than";

const LIMITS: [Limit; 15] = [
    Limit {
        name: "CASE in ELSE",
        most: 12,
        message: "CASE nested more than 12 levels deep",
        sql: |n| select(&nested("CASE WHEN order_id > 5 THEN 5 ELSE ", "order_id", " END", n)),
    },
    Limit {
        name: "CASE in THEN",
        most: 12,
        message: "CASE nested more than 12 levels deep",
        sql: |n| select(&nested("CASE WHEN order_id < 5 THEN ", "order_id", " ELSE 0 END", n)),
    },
    Limit { name: "COALESCE of COALESCE", most: 8, message: UNFOLD, sql: |n| select(&nested("COALESCE(", "order_id", ", customer_id)", n)) },
    Limit { name: "COALESCE in COALESCE", most: 15, message: UNFOLD, sql: |n| select(&nested("COALESCE(order_id, ", "customer_id", ")", n)) },
    Limit { name: "BETWEEN", most: 10, message: UNFOLD, sql: |n| select(&nested("(", "order_id", " BETWEEN 0 AND 1)::INT", n)) },
    Limit {
        name: "IN",
        most: 12,
        message: "subqueries nested more than 12 levels deep",
        sql: |n| format!("SELECT order_id FROM o {}", nested("WHERE order_id IN (SELECT order_id FROM o ", "", ")", n)),
    },
    Limit {
        name: "scalar subqueries",
        most: 12,
        message: "subqueries nested more than 12 levels deep",
        sql: |n| format!("SELECT order_id FROM o {}", nested("WHERE order_id = (SELECT max(order_id) FROM o ", "", ")", n)),
    },
    Limit {
        name: "EXISTS",
        most: 12,
        message: "subqueries nested more than 12 levels deep",
        sql: |n| format!("SELECT order_id FROM o {}", nested("WHERE EXISTS (SELECT order_id FROM o ", "", ")", n)),
    },
    Limit {
        name: "ANY",
        most: 4,
        message: "ANY and ALL count as three levels",
        sql: |n| format!("SELECT order_id FROM o {}", nested("WHERE order_id >= ANY (SELECT order_id FROM o ", "", ")", n)),
    },
    Limit {
        name: "CTEs that read each other",
        most: 254,
        message: "queries that read each other more than 256 levels deep",
        sql: |n| ctes("SELECT order_id FROM o", ", c{} AS (SELECT order_id FROM c{-})", n),
    },
    Limit {
        name: "CTEs that double",
        most: 8,
        message: "more than 256 tables are read, counting each as often as a CTE is named",
        sql: |n| ctes("SELECT order_id FROM o", ", c{} AS (SELECT l.order_id FROM c{-} l JOIN c{-} r ON l.order_id = r.order_id)", n),
    },
    Limit {
        name: "joins",
        most: 63,
        message: "more than 64 tables in one FROM",
        sql: |n| series("SELECT o.order_id FROM o", " JOIN o o{} ON o{}.order_id = o.order_id", n),
    },
    Limit { name: "tables by commas", most: 63, message: "more than 64 tables in one FROM", sql: |n| series("SELECT o.order_id FROM o", ", o o{}", n) },
    Limit {
        name: "EXCEPT",
        most: 250,
        message: "more than 256 operators in one chain",
        sql: |n| format!("SELECT 2 AS order_id FROM o{}", " EXCEPT SELECT order_id FROM o".repeat(if n == 250 { n } else { 300 })),
    },
    Limit {
        name: "CUBE",
        most: 12,
        message: "more than 4096 grouping sets",
        sql: |n| format!("SELECT count(*) AS n FROM o GROUP BY CUBE ({})", series("order_id", ", order_id + {}", n - 1)),
    },
];

#[test]
fn just_within_each_limit_a_statement_runs_and_beyond_it_is_refused() {
    let folder = folder();
    for limit in LIMITS {
        assert_runs(&folder, limit.name, &(limit.sql)(limit.most));
        assert_refused(&folder, limit.name, &(limit.sql)(limit.most + 1), limit.message);
    }
}

#[test]
fn far_beyond_each_limit_nothing_takes_long() {
    let folder = folder();
    for limit in LIMITS {
        let ran = run(&folder, &(limit.sql)(limit.most * 20), "batch");
        assert!(ran.status == 2, "{}: status {}\n{}", limit.name, ran.status, &ran.err[..ran.err.len().min(2_000)]);
    }
}

#[test]
fn limits_that_are_kept_one_by_one_do_not_add_up() {
    let folder = folder();
    let case = nested("CASE WHEN order_id > 5 THEN 5 ELSE ", "order_id", " END", 12);
    let cases = series("SELECT order_id", &format!(", {case} + {{}} AS x{{}}"), 100);
    assert_refused(&folder, "100 nested CASEs", &format!("{cases} FROM o"), UNFOLD);
    let tables = series("SELECT o.order_id FROM o", " JOIN o o{} ON o{}.order_id = o.order_id", 20);
    let deep = format!("{tables} {}", nested("WHERE o.order_id IN (SELECT order_id FROM o ", "", ")", 12));
    assert_runs(&folder, "joins and subqueries", &deep);
    let deep = format!("SELECT order_id FROM o {}", nested("WHERE order_id IN (SELECT order_id FROM o ", &format!("WHERE order_id IN ({tables})"), ")", 11));
    assert_refused(&folder, "joins in subqueries", &deep, "subqueries nested too deep for the number of tables in them");
}

#[test]
fn a_condition_on_a_column_that_doubles_stays_where_it_is() {
    let folder = folder();
    let sql = ctes("SELECT order_id AS x FROM o", ", c{} AS (SELECT x + x AS x FROM c{-})", 40) + " WHERE x > 1";
    assert_eq!(run(&folder, &sql, "batch").expect(0).out, "{\"x\":1099511627776}\n");
    assert_eq!(run(&folder, &sql, "stream").expect(0).out, "{\"x\":1099511627776}\n");
}

#[test]
fn reasonable_statements_are_far_from_the_limits() {
    let folder = folder();
    for (name, sql) in [
        ("100 WHENs", select(&format!("CASE {} ELSE 0 END", series("", "WHEN order_id = {} THEN {} ", 100)))),
        ("8 CASEs", select(&nested("CASE WHEN order_id > 5 THEN 5 ELSE ", "order_id", " END", 8))),
        ("10 subqueries", format!("SELECT order_id FROM o {}", nested("WHERE order_id IN (SELECT order_id FROM o ", "", ")", 10))),
        ("50 CTEs", ctes("SELECT order_id, amount FROM o", ", c{} AS (SELECT order_id, COALESCE(amount, 0) + 1 AS amount FROM c{-} WHERE amount >= 0)", 50)),
        ("2,000 columns", format!("{} FROM o", series("SELECT order_id", ", order_id + {} AS x{}", 2_000))),
        ("10,000 values", format!("SELECT order_id FROM o WHERE order_id IN ({})", series("0", ", {}", 10_000))),
    ] {
        assert_runs(&folder, name, &sql);
    }
}
