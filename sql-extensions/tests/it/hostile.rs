//! Texts made to crash a parser: each gives an error or a result within 2 s on a small stack.

use std::time::{Duration, Instant};

use sql_extensions::StreamingSqlParser;

use crate::property::check;

/// Parses, then checks all that must hold, on a thread with the stack of a Tokio worker.
fn survives(name: &str, text: String) {
    let run = move || {
        let started = Instant::now();
        let _ = StreamingSqlParser::new().parse_script(&text);
        let took = started.elapsed();
        check(&text);
        took
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).expect("a thread");
    let took = thread.join().unwrap_or_else(|_| panic!("{name}: a promise is broken"));
    assert!(took < Duration::from_secs(2), "{name}: took {took:?}");
}

/// `SELECT <open × n>1<close × n> FROM t`
fn nested(open: &str, close: &str, n: usize) -> String {
    format!("SELECT {}1{} FROM t", open.repeat(n), close.repeat(n))
}

#[test]
fn nesting() {
    // 10,000 levels are refused before parsing; the smaller ones come as deep as possible into the parser.
    for n in [10, 30, 45, 46, 47, 48, 60, 10_000] {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{'a': ", "}"),
            ("f(", ")"),
            ("CASE WHEN ", " THEN 1 END"),
            ("CASE 1 WHEN 1 THEN ", " END"),
            ("(SELECT ", ")"),
            ("EXISTS (SELECT ", ")"),
            ("1 IN (", ")"),
            ("CAST(", " AS INT)"),
            ("NOT ", ""),
            ("- ", ""),
            ("NOT - ", ""),
            ("INTERVAL ", ""),
            ("- INTERVAL ", ""),
            ("PRIOR ", ""),
            ("~", ""),
            ("end(", ")"),
            ("case(", ")"),
            ("ARRAY[", "]"),
            ("extract(day from ", ")"),
            ("x -> ", ""),
            ("EXISTS ", ""),
            ("a BETWEEN ", ""),
            ("DISTINCT ", ""),
        ] {
            survives(&format!("{n} × {open}"), nested(open, close, n));
        }
        // Each bracket is the first operand of a chain, so that the depths add up.
        let chain = ") AND a".to_owned() + &" AND a".repeat(if n > 100 { 2 } else { 200 });
        survives("chains in chains", format!("SELECT {}1{} FROM t", "(".repeat(n), chain.repeat(n)));
        survives("subqueries", format!("SELECT * FROM {} t {}", "(SELECT * FROM ".repeat(n), ") x".repeat(n)));
        survives("nested joins", format!("SELECT * FROM {} t {}", "(a JOIN ".repeat(n), "ON true)".repeat(n)));
        survives("lateral", format!("SELECT * FROM {} t", "LATERAL ".repeat(n)));
        survives("bracketed queries", format!("{}SELECT 1{}", "(".repeat(n), ")".repeat(n)));
        survives("CTEs in CTEs", format!("{}SELECT 1{}", "WITH a AS (".repeat(n), ") SELECT 1".repeat(n)));
        survives("types", format!("SELECT CAST(1 AS {}INT{}) FROM t", "ARRAY<".repeat(n), ">".repeat(n)));
        survives("unclosed", format!("SELECT {}", "(".repeat(n)));
        survives("closed only", format!("SELECT 1 {}", ")".repeat(n)));
        survives("comments", format!("SELECT {} 1 {} FROM t", "/* ".repeat(n), " */".repeat(n)));
        survives("unclosed comments", format!("SELECT {}", "/* ".repeat(n)));
    }
}

#[test]
fn chains() {
    for (n, name) in [(100, "short"), (250, "nearly too long"), (10_000, "long"), (100_000, "longest")] {
        for (first, more) in [
            ("SELECT 1 FROM t WHERE a", " AND a"),
            ("SELECT 1 FROM t WHERE a", " OR a"),
            ("SELECT 1", " + 1"),
            ("SELECT 'a'", " || 'a'"),
            ("SELECT a", "::INT"),
            ("SELECT a", " IS NULL"),
            ("SELECT a", "[1]"),
            ("SELECT a", ".b"),
            ("SELECT a", " COLLATE b"),
            ("SELECT a", " AT TIME ZONE 'UTC'"),
            ("SELECT a", " NOT IN (1)"),
            ("SELECT 1, 2", " UNION SELECT 1, 2"),
            ("SELECT 1", " EXCEPT SELECT 1"),
            ("SELECT 1 FROM t", " JOIN t ON f(a, b)"),
            ("SELECT 1 FROM t", " JOIN t"),
            ("SELECT 1 FROM t", ", t"),
            ("SELECT 1 FROM t", " CROSS APPLY t"),
            ("SELECT 1 FROM t", " LEFT JOIN t ON true WITHIN INTERVAL '1' DAY"),
            ("SELECT 1", ", 1"),
            ("SELECT 1 FROM t INTO a", ", a"),
            ("SELECT 1 FROM t WITH ('a' = 'b'", ", 'a' = 'b'"),
            ("SELECT 1", ";SELECT 1"),
            ("SELCT", ";SELCT"),
            ("SELECT 1", " WITHIN INTERVAL '1' DAY"),
            ("SELECT 1 FROM t JOIN u ON true", " WITHIN INTERVAL '1' DAY"),
            ("SELECT 1", " INTO x"),
        ] {
            if n > 10_000 && !more.contains("AND") {
                continue;
            }
            survives(&format!("{name}: {more}"), format!("{first}{}", more.repeat(n)));
        }
        if n <= 10_000 {
            survives("long CASE", format!("SELECT CASE {} END FROM t", "WHEN a = 1 AND b = 2 THEN c + 1 ".repeat(n)));
            survives("long IN", format!("SELECT 1 FROM t WHERE a IN (1{})", ", 1".repeat(n)));
        }
    }
}

#[test]
fn long_flat_statements_are_accepted() {
    let parser = StreamingSqlParser::new();
    for sql in [
        format!("SELECT CASE {} END FROM t", "WHEN a = 1 AND b = 2 THEN c + 1 ".repeat(1000)),
        format!("SELECT 1 FROM t WHERE a IN (1{})", ", 1".repeat(10_000)),
        format!("SELECT a + 1{} FROM t", ", a + 1".repeat(1000)),
    ] {
        parser.parse(&sql).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn size_and_odd_characters() {
    let megabyte = 1 << 20;
    let long = "x".repeat(megabyte);
    for text in [
        format!("SELECT {long} FROM t"),
        format!("SELECT \"{long}\" FROM t"),
        format!("SELECT '{long}' FROM t"),
        format!("SELECT '{long}"),
        format!("SELECT 1 FROM t {long} {long}"),
        format!("CREATE STREAM {long} SELECT"),
        format!("SELECT 1 FROM t INTO {long}, {long}"),
        format!("SELECT 1 FROM t WITH ('{long}' '{long}')"),
        format!("SELECT 1 FROM t JOIN u ON true WITHIN INTERVAL '{}' DAYS", "9".repeat(megabyte)),
        format!("SELECT {}", "9".repeat(megabyte)),
        long.clone(),
        format!("-- {long}"),
        format!("# {long}"),
        "\n".repeat(megabyte),
        ";".repeat(megabyte),
        "\0".repeat(1000),
        "SELECT 'a\0b', \"c\0d\" FROM t\0".to_owned(),
        "SELECT \u{feff}1".to_owned(),
        "\u{feff}SELECT 1".to_owned(),
        "SELECT 1\u{a0}FROM\u{3000}t".to_owned(),
        "SELECT \u{1}".to_owned(),
        "SELECT '\u{1}0\u{1}' FROM a JOIN b ON a.x = '\u{1} AND \u{1}0\u{1}\u{1}0\u{1}' WITHIN INTERVAL '1' DAY".to_owned(),
        "SELECT 1 FROM a JOIN b USING (x, \"\u{1}\") WITHIN INTERVAL '1' DAY".to_owned(),
        "SELECT $\u{1}, ?, :x, $1, @y FROM t".to_owned(),
        "SELECT '\u{202e}x' FROM t WHERE \u{301}".to_owned(),
    ] {
        let name: String = text.chars().take(40).collect();
        survives(&name, text);
    }
}

#[test]
fn a_limit_says_its_name_and_points_at_the_place() {
    let nested = |open: &str, n: usize| format!("SELECT {}1{} FROM t", open.repeat(n), " END".repeat(n));
    for (sql, message, pointed) in [
        (nested("CASE WHEN a THEN ", 13), "CASE nested more than 12 levels deep", "CASE WHEN a THEN 1"),
        (format!("SELECT 1 FROM t{}", ", u".repeat(64)), "more than 64 tables in one FROM", "u"),
        (format!("SELECT 1 FROM (t{})", " JOIN u ON true".repeat(64)), "more than 64 tables in one FROM", "u"),
        (
            format!("SELECT 1 FROM t WHERE {}true{}", "EXISTS (SELECT 1 FROM u WHERE ".repeat(13), ")".repeat(13)),
            "subqueries nested more than 12 levels deep",
            "SELECT 1 FROM u WHERE EXISTS",
        ),
        (format!("SELECT 1 FROM t{}", " UNION ALL SELECT 1 FROM (SELECT 1 FROM u, u, u) x".repeat(100)), "more than 256 tables are read", "SELECT 1 FROM u, u"),
        ("SELECT count(*) FROM t GROUP BY CUBE (a, b), CUBE (c, d, e, f, g, h, i, j, k, l, m)".to_owned(), "more than 4096 grouping sets", "c, d, e"),
    ] {
        let error = StreamingSqlParser::new().parse(&sql).expect_err(message);
        assert!(error.message().starts_with(message), "{sql}\n{error}");
        let at = usize::try_from(error.span().start.column).expect("a column") - 1;
        assert!(sql[at..].starts_with(pointed), "{message}: points at {}", &sql[at..]);
    }
}
