//! Extreme values through a chain of all formats: equal at the end, or rejected and counted.

use crate::velo::{Folder, assert_balanced};

const FLAT: [(&str, &str); 9] = [
    ("i", "BIGINT"),
    ("u", "BIGINT UNSIGNED"),
    ("d", "DECIMAL(38,10)"),
    ("f", "DOUBLE"),
    ("b", "BOOLEAN"),
    ("t", "VARCHAR"),
    ("day", "DATE"),
    ("at", "TIMESTAMP"),
    ("raw", "BYTEA"),
];
const NESTED: [(&str, &str); 3] =
    [("l", "ARRAY<VARCHAR>"), ("s", "STRUCT<a INT, b ARRAY<STRUCT<x DOUBLE, y MAP<VARCHAR, DATE>>>>"), ("m", "MAP<VARCHAR, BIGINT>")];

fn schema(columns: &[(&str, &str)]) -> String {
    columns.iter().fold("n BIGINT".to_owned(), |all, (name, data_type)| format!("{all}, {name} {data_type}"))
}

/// Extremes that the types hold: the column, the value as it is given, and as it is at the end.
fn good() -> Vec<(&'static str, String, String)> {
    let same = |column: &'static str, value: &str| (column, value.to_owned(), value.to_owned());
    let becomes = |column: &'static str, given: &str, value: &str| (column, given.to_owned(), value.to_owned());
    let long = format!("\"{}\"", "é".repeat(500_000));
    vec![
        same("i", "9223372036854775807"),
        same("i", "-9223372036854775808"),
        same("i", "9007199254740993"),
        becomes("i", "12e2", "1200"),
        same("u", "18446744073709551615"),
        same("u", "0"),
        same("d", "9999999999999999999999999999.9999999999"),
        same("d", "-9999999999999999999999999999.9999999999"),
        same("d", "-0.0000000001"),
        becomes("d", "1.5", "1.5000000000"),
        becomes("f", "1.7976931348623157e308", "1.7976931348623157e+308"),
        becomes("f", "5e-324", "5e-324"),
        same("f", "-0.0"),
        same("f", "0.1"),
        same("f", "0.30000000000000004"),
        same("f", "\"NaN\""),
        same("f", "\"Infinity\""),
        same("f", "\"-Infinity\""),
        same("b", "false"),
        same("b", "true"),
        same("t", "\"\""),
        same("t", "null"),
        same("t", "\"\\u0000 nul\""),
        becomes("t", "\"\\ud83d\\ude00 \u{1F600}\"", "\"\u{1F600} \u{1F600}\""),
        same("t", "\"tab\\t quote\\\" comma, line\\n\\r\\n end\""),
        same("t", "\" blank \""),
        same("t", "\"NULL\""),
        same("t", "\"007\""),
        same("t", "\"+491701234567\""),
        same("t", "\"\u{feff}mark\""),
        same("t", "\"\\\"\""),
        (("t"), long.clone(), long),
        same("day", "\"0001-01-01\""),
        same("day", "\"9999-12-31\""),
        same("day", "\"2024-02-29\""),
        same("at", "\"0001-01-01T00:00:00Z\""),
        same("at", "\"9999-12-31T23:59:59.999999Z\""),
        becomes("at", "\"2024-01-05T12:00:00.5+05:30\"", "\"2024-01-05T06:30:00.500Z\""),
        becomes("at", "\"2024-01-05T00:00:00-12:00\"", "\"2024-01-05T12:00:00Z\""),
        becomes("at", "\"0001-01-01T00:00:00-00:01\"", "\"0001-01-01T00:01:00Z\""),
        same("raw", "\"AAECA/8=\""),
        same("raw", "\"\""),
        same("l", "[]"),
        same("l", "[null,\"\",\"x\"]"),
        same("s", "{\"a\":null,\"b\":[{\"x\":1.5,\"y\":{\"k\":\"2024-02-29\",\"\":null}},null,{\"x\":null,\"y\":{}}]}"),
        same("s", "{\"a\":-1,\"b\":null}"),
        same("s", "{\"a\":-2147483648,\"b\":[]}"),
        same("m", "{}"),
        same("m", "{\"k\":null,\"\":1}"),
    ]
}

/// Values that the types can't hold.
const BAD: [&str; 21] = [
    "\"i\":9223372036854775808",
    "\"i\":-9223372036854775809",
    "\"i\":1.5",
    "\"u\":-1",
    "\"u\":18446744073709551616",
    "\"d\":0.00000000001",
    "\"d\":99999999999999999999999999999",
    "\"f\":1e400",
    "\"f\":-1e400",
    "\"f\":\"1,5\"",
    "\"day\":\"2023-02-29\"",
    "\"day\":\"2024-13-01\"",
    "\"day\":\"0000-01-01\"",
    "\"at\":\"2024-01-05T25:00:00Z\"",
    "\"at\":\"2024-02-30T00:00:00Z\"",
    "\"at\":\"2024-01-05T10:00:00.1234567Z\"",
    "\"at\":\"2024-01-05T10:00:00+25:00\"",
    "\"t\":\"\\ud800\"",
    "\"raw\":\"no base64!\"",
    "\"m\":{\"k\":1,\"k\":2}",
    "\"s\":{\"a\":2147483648}",
];

/// Rows as the program writes them: all columns, NULL but for one.
fn expected(columns: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (number, (column, _, value)) in good().iter().enumerate() {
        text.push_str(&format!("{{\"n\":{number}"));
        for (name, _) in columns {
            text.push_str(&format!(",\"{name}\":{}", if name == column { value } else { "null" }));
        }
        text.push_str("}\n");
    }
    text
}

/// One link of a chain: reads `from`, writes `to`; returns how many rows came out and how many were rejected.
fn link(folder: &Folder, from: &str, columns: &str, schema: &str, to: &str) -> (u64, u64) {
    let schema = if schema.is_empty() { String::new() } else { format!("'a.schema'='{schema}',") };
    let sql = format!(
        "SELECT {columns} FROM a INTO o WITH ('a.type'='file','a.path'='{from}',{schema}'failure_strategy'='LogAndContinue','o.type'='file','o.path'='{to}')"
    );
    let job = folder.sql(&sql).expect(0).job();
    assert_balanced(&job);
    (job["out"].as_u64().unwrap(), job["rejected"].as_u64().unwrap())
}

/// Good and bad values in turns.
fn input(folder: &Folder) {
    let good = good().into_iter().enumerate().map(|(number, (column, value, _))| format!("{{\"n\":{number},\"{column}\":{value}}}\n"));
    let bad = BAD.iter().map(|field| format!("{{\"n\":-1,{field}}}\n"));
    let mut lines: Vec<String> = good.collect();
    bad.enumerate().for_each(|(number, line)| lines.insert(number * 3, line));
    folder.write("0.jsonl", lines.concat());
}

#[test]
fn extremes_come_through_the_chain_of_all_formats() {
    let folder = Folder::new();
    input(&folder);
    let all: Vec<_> = FLAT.into_iter().chain(NESTED).collect();
    let rows = good().len() as u64;
    assert_eq!(link(&folder, "0.jsonl", "*", &schema(&all), "1.parquet"), (rows, BAD.len() as u64));
    // Parquet and Avro know their columns.
    assert_eq!(link(&folder, "1.parquet", "*", "", "2.avro"), (rows, 0));
    // CSV has no nested values: they leave the chain here.
    let flat = schema(&FLAT);
    let names = FLAT.iter().fold("n".to_owned(), |all, (name, _)| format!("{all}, {name}"));
    assert_eq!(link(&folder, "2.avro", &names, "", "3.csv"), (rows, 0));
    assert_eq!(link(&folder, "3.csv", "*", &flat, "4.jsonl"), (rows, 0));
    assert_same(&folder.read("4.jsonl"), &expected(&FLAT));
    assert_eq!(link(&folder, "2.avro", "*", "", "5.json"), (rows, 0));
    assert_same(&folder.read("5.json"), &expected(&all));
    // Once more around, from what came out: nothing changes any more.
    assert_eq!(link(&folder, "5.json", "*", &schema(&all), "6.parquet"), (rows, 0));
    assert_eq!(link(&folder, "6.parquet", "*", &schema(&all), "7.jsonl"), (rows, 0));
    assert_same(&folder.read("7.jsonl"), &expected(&all));
}

fn assert_same(found: &str, expected: &str) {
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert!(found == expected, "{}\nis not\n{}", &found[..found.len().min(400)], &expected[..expected.len().min(400)]);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
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
