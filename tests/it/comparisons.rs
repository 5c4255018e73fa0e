//! What is compared, added or put together is so as what it is: DOUBLEs beside DECIMALs, numbers beside texts, dates beside instants.

use crate::velo::{Folder, Ran};

const SCHEMA: &str = "id BIGINT, i BIGINT, n INT, d DECIMAL(10,2), x DOUBLE, r REAL, s VARCHAR, ts TIMESTAMP, dt DATE";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write(
        "a.jsonl",
        concat!(
            r#"{"id":1,"i":9,"n":9,"d":1.45,"x":0.30000000000000004,"r":0.5,"s":"9","ts":"2024-02-02T10:00:00Z","dt":"9999-12-31"}"#,
            "\n",
            r#"{"id":2,"i":10,"n":10,"d":9.50,"x":1e-16,"r":0.25,"s":"10","ts":"9999-12-31T00:00:00Z","dt":"2024-02-02"}"#,
            "\n",
            r#"{"id":3,"i":100,"n":100,"d":10.00,"x":1e20,"r":1e20,"s":"9999-12-31","ts":"0001-01-01T00:00:00Z","dt":"0001-01-01"}"#,
            "\n",
        ),
    );
    folder
}

fn run(folder: &Folder, query: &str, mode: &str) -> Ran {
    let read = |name: &&str| [" FROM ", " JOIN "].iter().any(|word| query.contains(&format!("{word}{name}")));
    let sources: String =
        ["a", "b"].into_iter().filter(read).map(|name| format!("'{name}.type'='file','{name}.path'='a.jsonl','{name}.schema'='{SCHEMA}',")).collect();
    folder.run(&["--format", "json", "--sql", &format!("{query} WITH ({sources}'execution.mode'='{mode}')")])
}

/// The ids that a condition leaves, in both modes.
fn ids(condition: &str) -> Vec<i64> {
    let folder = folder();
    let of = |mode: &str| -> Vec<i64> {
        let ran = run(&folder, &format!("SELECT id FROM a WHERE {condition}"), mode).expect(0);
        ran.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_i64().unwrap()).collect()
    };
    let batch = of("batch");
    assert_eq!(batch, of("stream"), "{condition}");
    batch
}

/// The first row of a query, the same in both modes.
fn first(select: &str) -> String {
    let folder = folder();
    let of = |mode: &str| run(&folder, &format!("SELECT {select} FROM a LIMIT 1"), mode).expect(0).out.trim_end().to_owned();
    let batch = of("batch");
    assert_eq!(batch, of("stream"), "{select}");
    batch
}

#[test]
fn a_double_beside_a_decimal_is_compared_as_a_double() {
    for (condition, left) in [
        ("x > 0.0", &[1, 2, 3][..]),
        ("x = 0.3", &[]),
        ("x > 1e15", &[3]),
        ("x > 1e100", &[]),
        ("x * 1e300 > 2.5", &[1, 2, 3]),
        ("-0.5 < x", &[1, 2, 3]),
        ("x + 0.1 > 0.5", &[3]),
        ("x IN (0.3, 1e20)", &[3]),
        ("x BETWEEN 0.0 AND 1e16", &[1, 2]),
        ("r = 0.5 OR r > 1e19", &[1, 3]),
        ("x > d", &[3]),
        ("x < CAST('NaN' AS DOUBLE) AND 0.5 < CAST('Infinity' AS DOUBLE)", &[1, 2, 3]),
        ("x IN (SELECT CAST(0.3 AS DECIMAL(5,1)) FROM b)", &[]),
        ("x > ANY (SELECT d FROM b)", &[3]),
    ] {
        assert_eq!(ids(condition), left, "{condition}");
    }
    assert_eq!(
        first("coalesce(x, 0.5) AS a, nullif(x, 0.3) AS b, greatest(x, 0.1) AS c"),
        r#"{"a":0.30000000000000004,"b":0.30000000000000004,"c":0.30000000000000004}"#
    );
    // Among DECIMALs and whole numbers they stay exact.
    assert_eq!(first("d + 0.05 AS a, i * 0.1 AS b, i + 0.5 > 9.4 AS c"), r#"{"a":1.50,"b":0.9,"c":true}"#);
}

#[test]
fn join_keys_and_unions_of_doubles_and_decimals_are_doubles() {
    let folder = folder();
    for mode in ["batch", "stream"] {
        let joined = run(&folder, "SELECT a.id AS l, b.id AS r FROM a JOIN b ON a.r * 19.0 = b.d", mode).expect(0);
        assert_eq!(joined.out, "{\"l\":1,\"r\":2}\n", "{mode}");
        for query in [
            "SELECT x AS v FROM a UNION ALL SELECT d FROM b",
            "SELECT d AS v FROM b UNION ALL SELECT x FROM a",
            "SELECT coalesce(d, 0.5) AS v FROM b UNION ALL SELECT x FROM a",
        ] {
            let ran = run(&folder, query, mode).expect(0);
            let mut lines: Vec<&str> = ran.out.lines().collect();
            lines.sort_unstable();
            let rows = [r#"{"v":0.30000000000000004}"#, r#"{"v":1.45}"#, r#"{"v":10.0}"#, r#"{"v":1e+20}"#, r#"{"v":1e-16}"#, r#"{"v":9.5}"#];
            assert_eq!(lines, rows, "{query} {mode}");
        }
    }
    let grouped = run(&folder, "SELECT i / 3.0, x + 0.1, count(*) AS n FROM a WHERE id = 1 GROUP BY i / 3.0, x + 0.1", "batch").expect(0);
    assert!(grouped.out.contains(":3.0,") && grouped.out.contains(":0.4,"), "{}", grouped.out);
}

#[test]
fn literals_with_an_exponent() {
    for (select, row) in [
        ("id + 1e1 AS v", "11"),
        ("id * 1e5 AS v", "100000"),
        ("id - 1.5e3 AS v", "-1499"),
        ("-2E2 AS v", "-200"),
        ("1.5e-3 AS v", "0.0015"),
        ("1e100 AS v", "1e+100"),
        ("CASE WHEN id = 1 THEN 1e1 ELSE 2.5 END AS v", "10.0"),
    ] {
        assert_eq!(first(select), format!("{{\"v\":{row}}}"), "{select}");
    }
    assert_eq!(ids("id * 1e1 > 20"), [3]);
    let sum = run(&folder(), "SELECT sum(id * 1e2) AS v FROM a", "batch").expect(0);
    assert_eq!(sum.out, "{\"v\":600}\n");
    assert_eq!(run(&folder(), "SELECT 1e400 AS v FROM a", "batch").status, 2);
}

#[test]
fn a_quoted_number_beside_a_number_is_that_number() {
    for (condition, left) in [
        ("i >= '10'", &[2, 3][..]),
        ("'10' > i", &[1]),
        ("i BETWEEN '9' AND '10'", &[1, 2]),
        ("i > ' 9.5 '", &[2, 3]),
        ("i < '1e2'", &[1, 2]),
        ("i < '99999999999999999999999999999999999999999'", &[1, 2, 3]),
        ("n >= '10' AND n < '3000000000'", &[2, 3]),
        ("i NOT IN ('9', '100')", &[2]),
        ("d = '10'", &[3]),
        ("d IN ('10', '9.5')", &[2, 3]),
        ("d > '9.4999'", &[2, 3]),
        ("x > '0.4'", &[3]),
        ("x < 'Infinity'", &[1, 2, 3]),
        ("'10' IN (SELECT i FROM b)", &[1, 2, 3]),
        // By their text, as keys are.
        ("s = 10", &[2]),
        ("s = i", &[1, 2]),
        ("s IN (9, 10)", &[1, 2]),
        ("s >= '9'", &[1, 3]),
    ] {
        assert_eq!(ids(condition), left, "{condition}");
    }
}

#[test]
fn texts_that_are_no_numbers_are_refused() {
    let folder = folder();
    for (condition, message) in [
        ("i >= 'ten'", "'ten' is compared with a BIGINT, but is no number"),
        ("n = ''", "'' is compared with an INT, but is no number"),
        ("d IN ('1', 'x')", "'x' is compared with a DECIMAL(10,2), but is no number"),
        ("x = '1,5'", "'1,5' is compared with a DOUBLE, but is no number"),
        ("s < 10", "a VARCHAR and a BIGINT are compared by <"),
        ("i >= s", "a VARCHAR and a BIGINT are compared by >="),
        ("s BETWEEN 1 AND 2", "a VARCHAR and a BIGINT are compared by BETWEEN"),
        ("upper(s) > x", "a VARCHAR and a DOUBLE are compared by >"),
    ] {
        for mode in ["batch", "stream"] {
            let ran = run(&folder, &format!("SELECT id FROM a WHERE id > 0 AND {condition}"), mode).expect(2);
            assert!(ran.err.contains(message) && ran.err.contains("CAST one side"), "{condition} {mode}: {}", ran.err);
        }
    }
    assert_eq!(ids("CAST(s AS VARCHAR) > '9'"), [3]);
}

#[test]
fn dates_and_texts_beside_instants_reach_all_years() {
    for (condition, left) in [
        ("ts < dt", &[1][..]),
        ("ts = dt", &[3]),
        ("dt > now()", &[1]),
        ("dt > TIMESTAMP '2024-02-01 23:59:59.999999'", &[1, 2]),
        ("dt >= TIMESTAMP '2024-02-02 00:00:00.000001'", &[1]),
        ("ts < '9999-12-31'", &[1, 3]),
        ("ts = '9999-12-31T00:00:00Z'", &[2]),
        ("ts IN ('0001-01-01', '2024-02-02T12:00:00+02:00')", &[1, 3]),
        ("id = 3 AND ts < s", &[3]),
        ("ts BETWEEN '0001-01-01' AND dt", &[1, 3]),
        ("dt IN (SELECT ts FROM b)", &[1, 3]),
        ("ts - INTERVAL '1 day' > TIMESTAMP '9999-12-29T23:00:00'", &[2]),
    ] {
        assert_eq!(ids(condition), left, "{condition}");
    }
    assert_eq!(
        first(
            "TIMESTAMP '9999-12-31T00:00:00' AS a, CAST(dt AS TIMESTAMP) AS b, coalesce(ts, dt) AS c, CAST(ts AS TIMESTAMP) AS d, CASE WHEN id = 2 THEN ts ELSE dt END AS e"
        ),
        r#"{"a":"9999-12-31T00:00:00Z","b":"9999-12-31T00:00:00Z","c":"2024-02-02T10:00:00Z","d":"2024-02-02T10:00:00Z","e":"9999-12-31T00:00:00Z"}"#
    );
    assert_eq!(
        first("CAST(i AS TIMESTAMP) AS a, TRY_CAST(n AS TIMESTAMP) AS b, i::TIMESTAMP AS c"),
        r#"{"a":"1970-01-01T00:00:09Z","b":"1970-01-01T00:00:09Z","c":"1970-01-01T00:00:09Z"}"#
    );
    let folder = folder();
    for mode in ["batch", "stream"] {
        let ran = run(&folder, "SELECT ts AS v FROM a UNION ALL SELECT dt FROM b", mode).expect(0);
        assert_eq!(ran.out.matches("\"9999-12-31T00:00:00Z\"").count(), 2, "{mode}: {}", ran.out);
        let ran = run(&folder, "SELECT a.id AS l, b.id AS r FROM a JOIN b ON a.ts = b.dt", mode).expect(0);
        let mut pairs: Vec<&str> = ran.out.lines().collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [r#"{"l":2,"r":1}"#, r#"{"l":3,"r":3}"#], "{mode}");
    }
}

#[test]
fn instants_of_all_years_are_truncated() {
    let folder = folder();
    for mode in ["batch", "stream"] {
        let ran = run(&folder, "SELECT date_trunc('day', ts) AS d, date_trunc('month', ts) AS m, date_trunc('year', dt) AS y FROM a", mode).expect(0);
        let rows = [
            r#"{"d":"2024-02-02T00:00:00Z","m":"2024-02-01T00:00:00Z","y":"9999-01-01T00:00:00"}"#,
            r#"{"d":"9999-12-31T00:00:00Z","m":"9999-12-01T00:00:00Z","y":"2024-01-01T00:00:00"}"#,
            r#"{"d":"0001-01-01T00:00:00Z","m":"0001-01-01T00:00:00Z","y":"0001-01-01T00:00:00"}"#,
        ];
        assert_eq!(ran.out.lines().collect::<Vec<_>>(), rows, "{mode}");
    }
}

#[test]
fn rounded_decimals_can_be_compared() {
    for (condition, left) in [
        ("round(d, 1) = 1.5", &[1][..]),
        ("round(d, 1 + 0) > 9.4", &[2, 3]),
        ("round(d) = 1", &[1]),
        ("round(d, -1) = 10", &[2, 3]),
        ("round(d, id) = 1.5", &[1]),
    ] {
        assert_eq!(ids(condition), left, "{condition}");
    }
}

#[test]
fn a_number_outside_of_the_day_is_a_time() {
    assert_eq!(first("CAST(-1 AS TIME) AS t"), r#"{"t":"23:59:59.999999999"}"#);
}

#[test]
fn columns_of_outer_queries_have_the_types_that_they_were_given() {
    let folder = folder();
    for (query, rows) in [
        ("SELECT id FROM (SELECT id, coalesce(x, 0.5) AS v FROM a) AS p WHERE EXISTS (SELECT 1 FROM b WHERE b.d < p.v)", "{\"id\":3}\n"),
        ("SELECT id FROM (SELECT id, coalesce(ts, dt) AS v FROM a) AS p WHERE EXISTS (SELECT 1 FROM b WHERE b.dt > p.v AND b.id = p.id)", "{\"id\":1}\n"),
        (
            "SELECT id FROM (SELECT id, coalesce(x, 0.5) AS v FROM a) AS p WHERE v IN (SELECT x FROM b WHERE b.id = p.id AND p.v < 1.0)",
            "{\"id\":1}\n{\"id\":2}\n",
        ),
        ("SELECT id FROM a WHERE x > (SELECT max(d) FROM b WHERE b.id = a.id)", "{\"id\":3}\n"),
        ("SELECT p.id FROM (SELECT id, coalesce(x, 0.5) AS v FROM a) AS p, LATERAL (SELECT d FROM b WHERE b.d < p.v AND b.id = 1)", "{\"id\":3}\n"),
    ] {
        for mode in ["batch", "stream"] {
            assert_eq!(run(&folder, query, mode).expect(0).out, rows, "{query} {mode}");
        }
    }
}
