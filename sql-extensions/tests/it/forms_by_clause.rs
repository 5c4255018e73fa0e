//! The forms of each clause, one by one.

use sql_extensions::StreamStatement;

use crate::forms::{analyze, columns, joins, parse, sinks, sources};

fn settings(sql: &str) -> Vec<(String, String)> {
    parse(sql).with.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

fn setting(sql: &str) -> String {
    settings(sql).pop().expect("a setting").1
}

/// Spans don't count: only what the statement means.
fn same(a: &str, b: &str) {
    assert!(parse(a) == parse(b), "{a}\nis not the same as\n{b}");
}

#[test]
fn from_alone_and_no_from() {
    assert_eq!(sources("SELECT * FROM t"), ["t"]);
    assert!(sources("SELECT 7 as seven").is_empty());
    assert!(sources("VALUES (1, 'a')").is_empty());
}

#[test]
fn clauses_in_their_order() {
    let sql = "CREATE STREAM s AS SELECT a.x FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1' DAY WHERE a.x > 1 GROUP BY a.x HAVING count(*) > 1 ORDER BY a.x LIMIT 3 INTO o WITH ('k' = 'v')";
    let statement = parse(sql);
    assert_eq!(statement.name.as_ref().map(|name| name.value.as_str()), Some("s"));
    assert_eq!((statement.within.len(), statement.into.len(), statement.with.len()), (1, 1, 1));
    assert_eq!(statement.to_string(), sql.replace("DAY", "DAYS"));
}

#[test]
fn white_space_and_keyword_case_never_matter() {
    let plain = "CREATE STREAM s AS SELECT a AS b FROM t AS u JOIN v ON u.k = v.k WITHIN INTERVAL '1' HOURS INTO x, y WITH ('k' = 'v')";
    same(
        plain,
        "create stream s as\r\n\r\n\tselect a as b from t  \n u\njoin v\n on u.k=v.k within\n interval '1' hour\n  into\nx\n,y\nwith('k'='v',)\n;\n"
            .replace(" u\n", " as u\n")
            .as_str(),
    );
    assert!(parse("SELECT A FROM t") != parse("SELECT a FROM t"), "names keep their spelling");
}

#[test]
fn comments_are_skipped_and_open_no_text() {
    same("SELECT a FROM t WITH ('k' = 'v')", "SELECT a -- it's\nFROM /* ' /* nested ' */ */ t # they're\n# 'x\nWITH ( -- é's\n'k' = 'v' # last\n)");
    same("SELECT CASE WHEN a THEN 1 ELSE 2 END FROM t", "SELECT CASE -- one\nWHEN a /* two */ THEN 1 # three\nELSE 2 END FROM t");
    assert_eq!(setting("SELECT 1 FROM t WITH ('k' = 'a # b -- c /* d')"), "a # b -- c /* d");
}

#[test]
fn sources_are_distinct_and_in_text_order() {
    assert_eq!(
        sources("SELECT (SELECT max(x) FROM first) FROM second WHERE k IN (SELECT k FROM third) AND z IN (SELECT z FROM second)"),
        ["first", "second", "third"]
    );
    assert_eq!(sources("SELECT a FROM t UNION ALL SELECT a FROM u UNION (SELECT a FROM v)"), ["t", "u", "v"]);
    assert_eq!(sources("SELECT * FROM \"Mixed Case\" m, db.orders"), ["Mixed Case", "orders"]);
    let found = analyze("SELECT k.x\nFROM events k JOIN events l ON k.x = l.y");
    assert_eq!(found.required_sources.len(), 1);
    assert_eq!(found.required_sources[0].alias.as_deref(), Some("k"), "the alias of the first mention");
    assert_eq!((found.required_sources[0].span.start.line, found.required_sources[0].span.start.column), (2, 6));
}

#[test]
fn ctes_are_no_sources_where_they_are_known() {
    assert_eq!(sources("WITH recent AS (SELECT * FROM orders WHERE day > 1) SELECT * FROM recent JOIN orders ON true"), ["orders"]);
    assert_eq!(sources("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders"), ["orders"], "a CTE named like the table it reads");
    assert_eq!(sources("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM c) SELECT * FROM a, b"), ["b", "c"], "a CTE isn't known before it is defined");
    assert_eq!(sources("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n"), Vec::<String>::new());
    assert_eq!(sources("SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) x, t"), ["t"], "a CTE isn't known outside of its brackets");
    assert_eq!(sources("SELECT * FROM generate_series(1, 3) g, t"), ["t"], "a function is no source");
}

#[test]
fn aliases_with_and_without_as() {
    for sql in ["SELECT o.a FROM orders o INTO s", "SELECT o.a FROM orders AS o INTO s"] {
        let found = analyze(sql);
        assert_eq!((found.required_sources[0].name.as_str(), found.required_sources[0].alias.as_deref()), ("orders", Some("o")));
    }
    for clause in ["WHERE true", "INTO s", "WITH ('k' = 'v')", "JOIN u ON true", "INNER JOIN u ON true", "LEFT JOIN u ON true", "FULL JOIN u ON true"] {
        let sql = format!("SELECT * FROM t {clause}");
        assert_eq!(analyze(&sql).required_sources[0].alias, None, "{sql}");
    }
}

#[test]
fn join_kinds() {
    for (written, kind) in [
        ("JOIN", "INNER"),
        ("INNER JOIN", "INNER"),
        ("LEFT JOIN", "LEFT"),
        ("LEFT OUTER JOIN", "LEFT"),
        ("RIGHT JOIN", "RIGHT"),
        ("RIGHT OUTER JOIN", "RIGHT"),
        ("FULL JOIN", "FULL"),
        ("FULL OUTER JOIN", "FULL"),
        ("LEFT SEMI JOIN", "LEFT SEMI"),
        ("RIGHT SEMI JOIN", "RIGHT SEMI"),
        ("LEFT ANTI JOIN", "LEFT ANTI"),
        ("RIGHT ANTI JOIN", "RIGHT ANTI"),
    ] {
        let sql = format!("SELECT * FROM a {written} b\n ON a.x = b.y WITHIN INTERVAL '1' MINUTE");
        assert_eq!(joins(&sql), [format!("a {kind} b")], "{sql}");
        assert_eq!(columns(&sql), ["a.x", "b.y"], "{sql}");
    }
    assert_eq!(joins("SELECT * FROM a CROSS JOIN b"), ["a CROSS b"]);
    assert_eq!(joins("SELECT * FROM a NATURAL JOIN b"), ["a INNER b"]);
    assert_eq!(joins("SELECT * FROM a JOIN b USING (k, l)"), ["a INNER b"]);
    assert_eq!(columns("SELECT * FROM a JOIN b USING (k, l)"), ["k", "l"]);
    assert!(joins("SELECT * FROM a x, b y").is_empty(), "a comma joins nothing by itself");
}

#[test]
fn chains_and_brackets_of_joins() {
    assert_eq!(
        joins("SELECT 1 FROM a JOIN b ON true LEFT JOIN c cc ON true RIGHT JOIN d ON true FULL JOIN e ON true"),
        ["a INNER b", "b LEFT cc", "cc RIGHT d", "d FULL e"]
    );
    assert_eq!(joins("SELECT 1 FROM a JOIN (SELECT * FROM b JOIN c ON true) s ON true"), ["a INNER s", "b INNER c"]);
    assert_eq!(joins("SELECT 1 FROM (a JOIN b ON true) JOIN c ON true"), ["a INNER b", "b INNER c"]);
    assert_eq!(joins("SELECT 1 FROM a JOIN (SELECT 1) ON true"), ["a INNER (unnamed)"]);
}

#[test]
fn columns_are_distinct_and_in_text_order() {
    assert_eq!(
        columns("SELECT o.id, id, f(\"B c\") FROM o JOIN p ON o.k = p.k WHERE o.id > 1 GROUP BY g ORDER BY p.t"),
        ["o.id", "id", "B c", "o.k", "p.k", "g", "p.t"]
    );
    assert_eq!(columns("WITH c AS (SELECT x FROM t) SELECT y FROM c WHERE x IN (SELECT z FROM u)"), ["x", "y", "z"]);
    assert!(columns("SELECT * FROM t").is_empty());
}

#[test]
fn words_that_are_keywords_elsewhere_are_names() {
    for word in [
        "timestamp",
        "location",
        "status",
        "name",
        "message",
        "category",
        "email",
        "tier",
        "metadata",
        "properties",
        "active",
        "alert",
        "click",
        "purchase",
        "transactions",
        "type",
        "date",
        "value",
        "key",
        "partition",
        "offset",
        "within",
        "stream",
        "format",
        "settings",
    ] {
        assert_eq!(columns(&format!("SELECT t.{word} FROM t ORDER BY t.{word}")), [format!("t.{word}")], "{word}");
        assert_eq!(columns(&format!("SELECT {word} AS {word} FROM t WHERE {word} = 1")), [word], "{word}");
    }
    for alias in ["alert", "click", "purchase", "transactions", "large_payload", "within", "stream", "status", "location"] {
        assert_eq!(columns(&format!("SELECT {alias}.x FROM t {alias} WHERE {alias}.x > 0")), [format!("{alias}.x")], "{alias}");
    }
    assert_eq!(columns("SELECT t.into, t.with, t.interval, t.case, t.end FROM t INTO s"), ["t.into", "t.with", "t.interval", "t.case", "t.end"]);
}

#[test]
fn expressions() {
    for expression in [
        "a * b + c / d - 1",
        "(a - 20) / 10.0",
        "a <> b AND a <= 1 OR NOT b >= 2",
        "a IS NOT NULL OR b IS NULL",
        "a IN ('X', 'Y') AND b NOT IN (1, 2)",
        "a BETWEEN 1 AND 2",
        "a * CASE WHEN b > 0.8 THEN 1.05 ELSE 1.0 END",
        "CASE a WHEN 1 THEN 'one' END",
        "COALESCE(a, 'none')",
        "ABS(a - LAG(a, 1) OVER (PARTITION BY b ORDER BY c)) > 10",
        "sum(a) FILTER (WHERE b > 1) OVER (ORDER BY c ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        "first_value(a) IGNORE NULLS OVER w",
        "BYTE_LENGTH(a) < 1048576",
        "CURRENT_TIMESTAMP",
        "CAST(a AS DOUBLE) = b::INT",
        "a LIKE '%x' AND b ILIKE 'y_'",
        "EXTRACT(HOUR FROM a) = 3 AND b IS DISTINCT FROM c",
        "a['key'] = b[1]",
        "INTERVAL '1 hour' + INTERVAL '5' MINUTE",
        "DATE '2030-01-01' < a",
        "true AND false",
        "100 + 0.1 - 1e3",
        "E'tab\\t' || a",
        "EXISTS (SELECT 1 FROM u)",
        "tumble(a, INTERVAL '5 minutes')",
    ] {
        let statement = parse(&format!("SELECT {expression} AS e FROM t WINDOW w AS (ORDER BY c)"));
        assert!(parse(&statement.to_string()) == statement, "{statement}");
    }
    assert!(parse("SELECT 1 + 2 * 3") == parse("SELECT 1 + 2 * 3") && parse("SELECT 1 + 2 * 3") != parse("SELECT (1 + 2) * 3"));
    parse("SELECT * EXCEPT (a, b) FROM t GROUP BY ROLLUP (c)");
}

#[test]
fn within_units_and_spellings() {
    for (written, millis) in [
        ("INTERVAL '5' MINUTES", 300_000),
        ("INTERVAL '1' MINUTE", 60_000),
        ("INTERVAL '250' MILLISECONDS", 250),
        ("INTERVAL '1' millisecond", 1),
        ("INTERVAL '10' Seconds", 10_000),
        ("INTERVAL '1' HOUR", 3_600_000),
        ("INTERVAL '2' DAYS", 172_800_000),
        ("INTERVAL '1' WEEK", 604_800_000),
        ("INTERVAL 5 MINUTES", 300_000),
        ("INTERVAL '5 minutes'", 300_000),
        ("INTERVAL ' 7  days '", 604_800_000),
        ("INTERVAL '365250' DAYS", 31_557_600_000_000),
    ] {
        let statement = parse(&format!("SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN {written}"));
        assert_eq!(statement.within[0].interval.to_duration().as_millis(), millis, "{written}");
    }
}

/// SELECT alias, item and join of each `WITHIN`, as its users see them.
fn bounded(sql: &str) -> Vec<String> {
    let statement: StreamStatement = parse(sql);
    let mut query = statement.query.as_ref().clone();
    let mut found = Vec::new();
    StreamStatement::for_each_within(&mut query, &statement.within, &mut |select, item, join, clause| {
        let from = &select.from[item];
        let target = join.map_or_else(|| "all".to_owned(), |join| from.joins[join].relation.to_string());
        found.push(format!("{}: {target} {}", from.relation, clause.interval.amount));
        Ok(())
    })
    .expect("no error of ours");
    found.sort();
    found
}

#[test]
fn a_within_bounds_the_join_it_stands_after() {
    assert_eq!(bounded("SELECT 1 FROM a JOIN b ON a.x = b.x JOIN c ON a.x = c.x WITHIN INTERVAL '1' DAY"), ["a: all 1"]);
    assert_eq!(bounded("SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1' DAY JOIN c ON a.x = c.x"), ["a: b 1"]);
    assert_eq!(
        bounded("SELECT 1 FROM a JOIN b ON a.x = b.x WITHIN INTERVAL '1' DAY JOIN c ON a.x = c.x WITHIN INTERVAL '2' DAYS"),
        ["a: b 1", "a: c 2"],
        "each its own"
    );
    assert_eq!(bounded("SELECT 1 FROM a JOIN b USING (x, y) WITHIN INTERVAL '1' DAY WHERE a.x > 1"), ["a: b 1"]);
    assert_eq!(bounded("SELECT 1 FROM z, a JOIN b ON a.x = b.x OR a.y = b.y WITHIN INTERVAL '1' DAY, y"), ["a: b 1"]);
}

#[test]
fn a_within_after_a_subquery_bounds_the_outer_join() {
    assert_eq!(bounded("SELECT 1 FROM a JOIN b ON a.x IN (SELECT y FROM c) WITHIN INTERVAL '1' DAY"), ["a: b 1"]);
    assert_eq!(bounded("SELECT 1 FROM a JOIN b ON a.x IN (SELECT y FROM c JOIN d ON c.q = d.q) WITHIN INTERVAL '1' DAY"), ["a: b 1"]);
    assert_eq!(
        bounded("SELECT 1 FROM a JOIN (SELECT * FROM c JOIN d ON c.q = d.q WITHIN INTERVAL '2' DAYS) s ON a.x = s.x WITHIN INTERVAL '1' DAY"),
        ["a: s 1", "c: d 2"].map(|text| text.replace("a: s", "a: (SELECT * FROM c JOIN d ON c.q = d.q) s"))
    );
    assert_eq!(
        bounded(
            "WITH w AS (SELECT 1 FROM c JOIN d ON c.q = d.q WITHIN INTERVAL '2' DAYS) SELECT 1 FROM a JOIN b ON true WITHIN INTERVAL '1' DAY UNION SELECT 1 FROM e JOIN f ON true WITHIN INTERVAL '3' DAYS"
        ),
        ["a: b 1", "c: d 2", "e: f 3"]
    );
}

#[test]
fn into_takes_names_of_any_kind() {
    assert_eq!(sinks("SELECT * FROM t INTO a, \"B c\", `d`, kafka_sink"), ["a", "B c", "d", "kafka_sink"]);
    assert_eq!(sinks("SELECT * FROM t WHERE x > 1 INTO \"with\" WITH ('k' = 'v')"), ["with"]);
    assert!(sinks("CREATE STREAM s AS SELECT * FROM t").is_empty());
}

#[test]
fn settings_are_texts() {
    for value in ["", "a,b:c/d=e{}", "${A:-dev}_x.yaml", "Bearer ${T}", "größe 日本 🦀", "tab\tand\nline", "\\", "a\\'b"] {
        assert_eq!(setting(&format!("SELECT 1 FROM t WITH ('k' = '{}')", value.replace('\'', "''"))), value);
    }
    assert_eq!(settings("SELECT 1 FROM t WITH ('k' = '1', 'k' = '2',)").len(), 2, "what a key given twice means is not the parser's to say");
    assert!(settings("SELECT 1 FROM t WITH ()").is_empty());
    let entry = parse("SELECT 1 FROM t\nWITH ('é' = 'v')").with.remove(0);
    assert_eq!((entry.key_span.start.column, entry.value_span.start.column, entry.value_span.end.column), (7, 13, 16));
}
