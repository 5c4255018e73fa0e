//! Lookup joins against a nested loop: random tables, cuts, conditions and forms, the stream on either side, and the same as a batch.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::memory::{Table, run};

/// Two keys and a value.
#[derive(Clone, Copy, Debug)]
struct Row {
    k: Option<i64>,
    j: Option<i64>,
    v: i64,
}

fn table(name: &'static str, rows: &[Row], endless: bool) -> Table {
    let nullable = |get: fn(&Row) -> Option<i64>| Arc::new(rows.iter().map(get).collect::<Int64Array>());
    let schema = Schema::new(["k", "j", "v"].map(|name| Field::new(name, DataType::Int64, true)).to_vec());
    let rows = RecordBatch::try_new(Arc::new(schema), vec![nullable(|row| row.k), nullable(|row| row.j), nullable(|row| Some(row.v))]).unwrap();
    Table { name, rows, endless }
}

/// A condition on a row of `s` and one of `t`, in SQL and in three-valued logic.
#[derive(Clone, Copy, Debug)]
struct Condition {
    sql: &'static str,
    holds: fn(&Row, &Row) -> Option<bool>,
}

fn equal(a: Option<i64>, b: Option<i64>) -> Option<bool> {
    Some(a? == b?)
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

const CONDITIONS: [Condition; 9] = [
    Condition { sql: "s.k = t.k", holds: |s, t| equal(s.k, t.k) },
    Condition { sql: "s.k = t.k AND s.j = t.j", holds: |s, t| and(equal(s.k, t.k), equal(s.j, t.j)) },
    Condition { sql: "s.k = t.k AND s.v <> t.v", holds: |s, t| and(equal(s.k, t.k), Some(s.v != t.v)) },
    Condition {
        sql: "s.k = t.k AND (s.j < t.j OR t.j IS NULL)",
        holds: |s, t| and(equal(s.k, t.k), s.j.zip(t.j).map(|(s, t)| s < t).or(t.j.is_none().then_some(true))),
    },
    Condition { sql: "s.k + 1 = t.k AND t.v > 0", holds: |s, t| and(equal(s.k.map(|k| k + 1), t.k), Some(t.v > 0)) },
    Condition { sql: "s.k = t.k AND s.v > 1", holds: |s, t| and(equal(s.k, t.k), Some(s.v > 1)) },
    Condition { sql: "s.v < t.v", holds: |s, t| Some(s.v < t.v) },
    Condition { sql: "s.k >= t.j AND t.v <> 2", holds: |s, t| and(s.k.zip(t.j).map(|(s, t)| s >= t), Some(t.v != 2)) },
    Condition { sql: "s.k IS NOT DISTINCT FROM t.k", holds: |s, t| Some(s.k == t.k) },
];

/// What is asked of the two tables; `outer` is the one that stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Inner,
    Left,
    Right,
    Full,
    Exists,
    NotExists,
    In,
    NotIn,
    ExistsOr,
    NotExistsOr,
    InOr,
}

const FORMS: [Form; 11] =
    [Form::Inner, Form::Left, Form::Right, Form::Full, Form::Exists, Form::NotExists, Form::In, Form::NotIn, Form::ExistsOr, Form::NotExistsOr, Form::InOr];

impl Form {
    fn sql(self, condition: &Condition, outer: &str, inner: &str) -> String {
        let on = condition.sql;
        let join = |kind: &str| format!("SELECT s.k, s.j, s.v, t.k AS tk, t.j AS tj, t.v AS tv FROM {outer} {kind} JOIN {inner} ON {on}");
        let rows = |condition: String| format!("SELECT k, j, v FROM {outer} WHERE {condition}");
        let exists = format!("EXISTS (SELECT 1 FROM {inner} WHERE {on})");
        match self {
            Self::Inner => join("INNER"),
            Self::Left => join("LEFT"),
            Self::Right => join("RIGHT"),
            Self::Full => join("FULL"),
            Self::Exists => rows(exists),
            Self::NotExists => rows(format!("NOT {exists}")),
            Self::In => rows(format!("k IN (SELECT k FROM {inner} WHERE v > 0)")),
            Self::NotIn => rows(format!("k NOT IN (SELECT k FROM {inner} WHERE v > 0)")),
            Self::ExistsOr => rows(format!("{exists} OR v = 1")),
            Self::NotExistsOr => rows(format!("NOT {exists} OR v = 1")),
            Self::InOr => rows(format!("k IN (SELECT k FROM {inner} WHERE v > 0) OR v = 1")),
        }
    }

    /// The rows, sorted. `matches` is of an outer and an inner row.
    fn model(self, outer: &[Row], inner: &[Row], outer_is_s: bool, matches: &dyn Fn(&Row, &Row) -> bool) -> Vec<String> {
        let number = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
        let show = |row: Option<&Row>| row.map_or("null,null,null".to_owned(), |row| [number(row.k), number(row.j), row.v.to_string()].join(","));
        let pair = |a: Option<&Row>, b: Option<&Row>| if outer_is_s { format!("{},{}", show(a), show(b)) } else { format!("{},{}", show(b), show(a)) };
        let exists = |row: &Row| inner.iter().any(|other| matches(row, other));
        let set: Vec<Option<i64>> = inner.iter().filter(|row| row.v > 0).map(|row| row.k).collect();
        let is_in = |row: &Row| match row.k {
            _ if set.is_empty() => Some(false),
            Some(_) if set.contains(&row.k) => Some(true),
            Some(_) if !set.contains(&None) => Some(false),
            _ => None,
        };
        let mut rows: Vec<String> = match self {
            Self::Inner | Self::Left | Self::Right | Self::Full => {
                let mut rows = Vec::new();
                for row in outer {
                    rows.extend(inner.iter().filter(|other| matches(row, other)).map(|other| pair(Some(row), Some(other))));
                    rows.extend((matches!(self, Self::Left | Self::Full) && !exists(row)).then(|| pair(Some(row), None)));
                }
                let alone = |other: &&Row| matches!(self, Self::Right | Self::Full) && !outer.iter().any(|row| matches(row, other));
                rows.extend(inner.iter().filter(alone).map(|other| pair(None, Some(other))));
                rows
            }
            _ => {
                let kept = |row: &&Row| match self {
                    Self::Exists => exists(row),
                    Self::NotExists => !exists(row),
                    Self::In => is_in(row) == Some(true),
                    Self::NotIn => is_in(row) == Some(false),
                    Self::ExistsOr => exists(row) || row.v == 1,
                    Self::NotExistsOr => !exists(row) || row.v == 1,
                    _ => is_in(row) == Some(true) || row.v == 1,
                };
                outer.iter().filter(kept).map(|row| show(Some(row))).collect()
            }
        };
        rows.sort();
        rows
    }
}

/// One form and condition, which side is declared endless (none, `s`, `t`), and whether `s` is the outer side.
type Choice = (Form, &'static Condition, Option<&'static str>, bool);

fn check((form, condition, endless, outer_is_s): Choice, s: &[Row], t: &[Row], cut: usize) -> Result<(), TestCaseError> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    }
    let (outer, inner) = if outer_is_s { ("s", "t") } else { ("t", "s") };
    let sql = form.sql(condition, outer, inner);
    let expected = if outer_is_s {
        form.model(s, t, true, &|a, b| (condition.holds)(a, b) == Some(true))
    } else {
        form.model(t, s, false, &|a, b| (condition.holds)(b, a) == Some(true))
    };
    let tables = [table("s", s, endless == Some("s")), table("t", t, endless == Some("t"))];
    for rows_of_an_epoch in [Some(cut), None] {
        let ran = RUNTIME.with(|runtime| runtime.block_on(run(&sql, &tables, rows_of_an_epoch)));
        let (found, job) = ran.map_err(|error| TestCaseError::fail(format!("{sql}: {error}")))?;
        prop_assert_eq!(&found, &expected, "{} with {:?}, endless {:?}", sql, rows_of_an_epoch, endless);
        prop_assert_eq!(job.input + job.expanded, job.out + job.filtered + job.rejected, "{}: {:?}", sql, job);
        let read: u64 = job.sources.iter().filter(|source| source.role == "stream").map(|source| source.records).sum();
        prop_assert_eq!(job.input, read);
    }
    Ok(())
}

#[test]
fn joins_agree_with_a_nested_loop() {
    let row = || (proptest::option::weighted(0.85, 0i64..5), proptest::option::weighted(0.8, 0i64..3), 0i64..4).prop_map(|(k, j, v)| Row { k, j, v });
    let mut choices: Vec<Choice> = Vec::new();
    for form in FORMS {
        for condition in &CONDITIONS {
            // Without an endless side the left one is the stream.
            for endless in [None, Some("s"), Some("t")] {
                choices.extend([true, false].map(|outer_is_s| (form, condition, endless, outer_is_s)));
            }
        }
    }
    let rows = |most| proptest::collection::vec(row(), 0..most);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(choice) = choices.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    TestRunner::new(Config { cases: 1, failure_persistence: None, ..Config::default() })
                        .run(&(rows(20), rows(12), 1usize..9), |(s, t, cut)| check(*choice, &s, &t, cut))
                        .unwrap();
                }
            });
        }
    });
}
