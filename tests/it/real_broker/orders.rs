//! The example of the documentation, with some thousand orders: all sinks get exactly the rows that DuckDB gives over the same data (tests/golden/regenerate.py ecommerce).

use std::io::Read;
use std::path::Path;

use super::{Raw, kafka, lines};
use crate::golden::canonical;
use crate::velo::{Folder, eventually_or};

fn data(name: &str) -> String {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ecommerce").join(name)).unwrap();
    let mut text = String::new();
    if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

/// Rows in one form and order.
fn rows<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut rows: Vec<String> = lines.into_iter().map(|line| canonical(&serde_json::from_str(line).unwrap())).collect();
    rows.sort();
    rows
}

fn assert_same(sink: &str, found: &[String], expected: &[String]) {
    let differs = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert!(found == expected, "{sink}: {} rows, expected {}; first difference (found, expected): {differs:?}", found.len(), expected.len());
}

#[test]
fn the_example_gives_the_rows_of_another_engine() {
    let kafka = kafka();
    let folder = Folder::new();
    for table in ["customers.csv", "products.json"] {
        folder.write(table, data(table));
    }
    kafka.create("orders", 4, &[]);
    let order = |(number, line): (usize, &str)| -> Raw { (Some((number % 97).to_string()), Some(line.as_bytes().to_vec())) };
    kafka.send("orders", data("orders.jsonl.gz").lines().enumerate().map(order));
    // Bad orders are left out.
    kafka.send("orders", ["{\"order_id\":\"x\"}", "{", "7"].map(|bad| (None, Some(bad.as_bytes().to_vec()))));
    let expected = rows(data("expected.jsonl.gz").lines());
    let statement = format!("{}/configs/examples/ecommerce.sql", env!("CARGO_MANIFEST_DIR"));
    let mut job = folder.start_with(&["run", &statement, "--summary", "json", "--set", "shutdown.timeout=20s"], &[("KAFKA_BROKERS", &kafka.plaintext)]);
    eventually_or("all orders", || lines(&folder, "audit.jsonl").len() >= expected.len(), || job.log());
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let summary: serde_json::Value = serde_json::from_str(job.log().lines().last().unwrap()).unwrap();
    let job = &summary["jobs"][0];
    crate::velo::assert_balanced(job);
    assert_eq!((&job["rejected"], &job["in"]), (&3.into(), &3_003.into()), "{job}");
    assert_same("audit", &rows(folder.read("audit.jsonl").lines()), &expected);
    let columns = "order_id, customer_id, customer_name, customer_tier, product_name, quantity, line_total, lane, ordered_at";
    let schema = "order_id BIGINT, customer_id BIGINT, customer_name VARCHAR, customer_tier VARCHAR, product_name VARCHAR, quantity INT, line_total DECIMAL(21,2), lane VARCHAR, ordered_at TIMESTAMP";
    for (sink, settings) in [
        ("fulfillment", format!("{},'s.until'='latest','s.schema'='{schema}'", kafka.source("s", "fulfillment"))),
        ("lake", "'s.type'='file','s.path'='lake','s.format'='parquet'".to_owned()),
    ] {
        let found = folder.run(&["--quiet", "--format", "json", "--sql", &format!("SELECT {columns} FROM s WITH ({settings})")]).expect(0).out;
        assert_same(sink, &rows(found.lines()), &expected);
    }
}
