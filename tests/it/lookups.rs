//! The lookup join against a nested loop, for random tables, cuts and join kinds.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::velo::{Folder, assert_balanced};

type Row = (Option<u8>, u8);

fn lines(rows: &[Row], key: &str, value: &str) -> String {
    rows.iter().map(|(k, v)| format!("{{\"{key}\":{},\"{value}\":{v}}}\n", k.map_or("null".to_owned(), |k| k.to_string()))).collect()
}

/// Rows as `(k, v, tk, tv)`, sorted.
fn model(stream: &[Row], table: &[Row], kind: &str) -> Vec<String> {
    let show = |row: Option<&Row>| row.map_or(["null".to_owned(), "null".to_owned()], |(k, v)| [k.map_or("null".to_owned(), |k| k.to_string()), v.to_string()]);
    let matches = |s: &Row, t: &Row| s.0.is_some() && s.0 == t.0 && s.1 != t.1;
    let mut out = Vec::new();
    for s in stream {
        let partners: Vec<&Row> = table.iter().filter(|t| matches(s, t)).collect();
        for t in &partners {
            out.push([show(Some(s)), show(Some(t))].concat().join(","));
        }
        if partners.is_empty() && matches!(kind, "LEFT" | "FULL OUTER") {
            out.push([show(Some(s)), show(None)].concat().join(","));
        }
    }
    if matches!(kind, "RIGHT" | "FULL OUTER") {
        for t in table.iter().filter(|t| !stream.iter().any(|s| matches(s, t))) {
            out.push([show(None), show(Some(t))].concat().join(","));
        }
    }
    out.sort();
    out
}

#[test]
fn joins_agree_with_a_nested_loop() {
    let row = || (proptest::option::weighted(0.8, 0u8..5), 0u8..4);
    let input = (proptest::collection::vec(row(), 0..25), proptest::collection::vec(row(), 0..12), 1usize..9, 0usize..4);
    TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() })
        .run(&input, |(stream, table, cut, kind)| {
            let kind = ["INNER", "LEFT", "RIGHT", "FULL OUTER"][kind];
            let folder = Folder::new();
            folder.write("s.jsonl", lines(&stream, "k", "v"));
            folder.write("t.jsonl", lines(&table, "tk", "tv"));
            let sql = format!(
                "SELECT k, v, tk, tv FROM s {kind} JOIN t ON s.k = t.tk AND s.v <> t.tv WITH ('s.type'='file','s.path'='s.jsonl','s.schema'='k BIGINT, v BIGINT',
                 't.type'='file','t.path'='t.jsonl','t.schema'='tk BIGINT, tv BIGINT','execution.mode'='stream','batch.strategy'='fixed_size','batch.size'='{cut}')"
            );
            let ran = folder.run(&["--format", "csv", "--summary", "json", "--sql", &sql]).expect(0);
            let mut found: Vec<String> = ran.out.lines().skip(1).map(|line| line.split(',').map(|cell| if cell.is_empty() { "null" } else { cell }).collect::<Vec<_>>().join(",")).collect();
            found.sort();
            prop_assert_eq!(found, model(&stream, &table, kind), "{} by {}", kind, cut);
            assert_balanced(&ran.job());
            Ok(())
        })
        .unwrap();
}
