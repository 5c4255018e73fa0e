//! Extreme values through all formats: equal at the end, or rejected and counted.

use crate::velo::Folder;

const SCHEMA: &str = "i BIGINT, u BIGINT UNSIGNED, d DECIMAL(38,10), f DOUBLE, b BOOLEAN, t VARCHAR, day DATE, at TIMESTAMP, raw BYTEA, l ARRAY<VARCHAR>, s STRUCT<a INT, b ARRAY<DOUBLE>>, m MAP<VARCHAR, BIGINT>";

/// One row for each extreme that the types hold.
fn good() -> Vec<String> {
    let mut rows: Vec<String> = [
        ("i", "9223372036854775807"),
        ("i", "-9223372036854775808"),
        ("u", "18446744073709551615"),
        ("d", "9999999999999999999999999999.9999999999"),
        ("d", "-0.0000000001"),
        ("f", "1.7976931348623157e308"),
        ("f", "5e-324"),
        ("f", "-0.0"),
        ("f", "0.1"),
        ("f", "\"NaN\""),
        ("f", "\"Infinity\""),
        ("f", "\"-Infinity\""),
        ("b", "false"),
        ("t", "\"\""),
        ("t", "\"\\u0000 nul\""),
        ("t", "\"\\ud83d\\ude00 \u{1F600}\""),
        ("t", "\"tab\\t quote\\\" comma, line\\n\\r\\n end\""),
        ("t", "\" blank \""),
        ("t", "\"NULL\""),
        ("t", "\"\u{feff}mark\""),
        ("day", "\"0001-01-01\""),
        ("day", "\"9999-12-31\""),
        ("day", "\"2024-02-29\""),
        ("at", "\"0001-01-01T00:00:00Z\""),
        ("at", "\"9999-12-31T23:59:59.999999Z\""),
        ("at", "\"2024-01-05T12:00:00.5+05:30\""),
        ("raw", "\"AAECA/8=\""),
        ("raw", "\"\""),
        ("l", "[]"),
        ("l", "[null, \"\", \"x\"]"),
        ("s", "{\"a\":null,\"b\":[1.5,null]}"),
        ("s", "{\"a\":-1,\"b\":null}"),
        ("m", "{}"),
        ("m", "{\"k\":null,\"\":1}"),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (field, value))| format!("{{\"n\":{n},\"{field}\":{value}}}\n"))
    .collect();
    rows.push(format!("{{\"n\":1000,\"t\":\"{}\"}}\n", "é".repeat(500_000)));
    rows
}

/// Rows that the types can't hold.
const BAD: [&str; 12] = [
    "{\"i\":9223372036854775808}",
    "{\"u\":-1}",
    "{\"d\":0.00000000001}",
    "{\"d\":99999999999999999999999999999}",
    "{\"f\":1e400}",
    "{\"f\":\"1,5\"}",
    "{\"day\":\"2023-02-29\"}",
    "{\"at\":\"2024-01-05T25:00:00Z\"}",
    "{\"at\":\"2024-01-05T10:00:00.1234567Z\"}",
    "{\"t\":\"\\ud800\"}",
    "{\"raw\":\"no base64!\"}",
    "{\"i\":1.5}",
];

fn convert(folder: &Folder, from: &str, to: &str, columns: &str, schema: &str) {
    let sql = format!("SELECT {columns} FROM a INTO o WITH ('a.type'='file','a.path'='{from}','a.schema'='{schema}','o.type'='file','o.path'='{to}')");
    folder.sql(&sql).expect(0);
}

#[test]
fn extremes_come_through_every_format() {
    let folder = Folder::new();
    folder.write("0.jsonl", good().concat());
    let schema = format!("n BIGINT, {SCHEMA}");
    convert(&folder, "0.jsonl", "1.jsonl", "*", &schema);
    let expected = folder.read("1.jsonl");
    assert_eq!(expected.lines().count(), good().len());
    assert!(
        expected.contains("\"d\":9999999999999999999999999999.9999999999")
            && expected.contains("\"u\":18446744073709551615")
            && expected.contains("\"at\":\"2024-01-05T06:30:00.500Z\"")
    );
    convert(&folder, "1.jsonl", "2.parquet", "*", &schema);
    convert(&folder, "2.parquet", "3.jsonl", "*", &schema);
    assert!(folder.read("3.jsonl") == expected, "through Parquet");
    convert(&folder, "2.parquet", "4.avro", "*", &schema);
    convert(&folder, "4.avro", "5.jsonl", "*", &schema);
    assert!(folder.read("5.jsonl") == expected, "through Avro");
    // CSV has no nested values.
    let flat = "n, i, u, d, f, b, t, day, at, raw";
    let csv = "n BIGINT, i BIGINT, u BIGINT UNSIGNED, d DECIMAL(38,10), f DOUBLE, b BOOLEAN, t VARCHAR, day DATE, at TIMESTAMP, raw BYTEA";
    convert(&folder, "2.parquet", "7.csv", flat, &schema);
    convert(&folder, "7.csv", "8.jsonl", "*", csv);
    convert(&folder, "1.jsonl", "9.jsonl", flat, &schema);
    assert!(folder.read("8.jsonl") == folder.read("9.jsonl"), "through CSV");
}

#[test]
fn what_does_not_fit_is_rejected_and_counted() {
    let folder = Folder::new();
    folder.write("a.jsonl", BAD.map(|line| format!("{line}\n")).concat());
    let ran =
        folder.sql(&format!("SELECT * FROM a WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='{SCHEMA}','failure_strategy'='LogAndContinue')")).expect(0);
    assert_eq!(ran.out, "");
    assert_eq!(ran.job()["rejected"].as_u64(), Some(BAD.len() as u64));
}

#[test]
fn types_that_a_format_can_not_hold_are_refused_before_the_start() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"u\":1}\n");
    let refused = |select: &str, path: &str| {
        folder.sql(&format!("SELECT {select} FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='u BIGINT UNSIGNED, s STRUCT<x INT>','o.type'='file','o.path'='{path}')")).expect(2).err
    };
    assert!(refused("s", "o.csv").contains("column 's' is nested, which CSV can't hold"));
    assert!(refused("u AS \"two words\"", "o.avro").contains("two words"));
}

#[test]
fn time_zones_of_the_machine_do_not_matter() {
    let folder = Folder::new();
    folder.write("a.csv", "at\n2024-01-05 10:00:00\n2024-07-05T10:00:00Z\n");
    let sql = "SELECT at, CAST(at AS DATE) AS day, date_trunc('hour', at) AS hour FROM a WITH ('a.type'='file','a.path'='a.csv')";
    let expected = "{\"at\":\"2024-01-05T10:00:00Z\",\"day\":\"2024-01-05\",\"hour\":\"2024-01-05T10:00:00Z\"}\n{\"at\":\"2024-07-05T10:00:00Z\",\"day\":\"2024-07-05\",\"hour\":\"2024-07-05T10:00:00Z\"}\n";
    for zone in ["UTC", "America/New_York", "Asia/Kolkata"] {
        assert_eq!(folder.run_with(&["--quiet", "--sql", sql], &[("TZ", zone)], b"").expect(0).out, expected, "{zone}");
    }
}
