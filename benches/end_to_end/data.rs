//! Inputs, made once.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Columns of the large input.
pub(crate) const SCHEMA: &str = "order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, amount DOUBLE, status VARCHAR, ts VARCHAR";

/// Suffix of a format's files.
pub(crate) fn suffix(format: &str) -> &'static str {
    match format {
        "jsonlines" => "jsonl",
        "csv" => "csv",
        _ => "parquet",
    }
}

/// Writes the inputs that are not there yet.
pub(crate) fn write(folder: &Path, rows: u64) {
    tables(folder);
    let mark = folder.join("rows");
    if std::fs::read_to_string(&mark).is_ok_and(|known| known == rows.to_string()) {
        return;
    }
    let mut random = StdRng::seed_from_u64(1);
    let mut json = BufWriter::with_capacity(1 << 20, File::create(folder.join("t.jsonl")).unwrap());
    let mut csv = BufWriter::with_capacity(1 << 20, File::create(folder.join("t.csv")).unwrap());
    writeln!(csv, "order_id,customer_id,product_id,quantity,amount,status,ts").unwrap();
    for id in 0..rows {
        let (customer, product, quantity) = (random.random_range(0..10_000), random.random_range(0..1_000), random.random_range(0..10));
        let amount = f64::from(random.random_range(100..100_000)) / 100.0;
        let status = ["created", "paid", "shipped", "returned"][random.random_range(0..4)];
        let ts = format!("2024-01-{:02}T{:02}:{:02}:{:02}.{:06}Z", 1 + id % 28, id / 3600 % 24, id / 60 % 60, id % 60, random.random_range(0..1_000_000));
        writeln!(json, "{{\"order_id\":{id},\"customer_id\":{customer},\"product_id\":{product},\"quantity\":{quantity},\"amount\":{amount},\"status\":\"{status}\",\"ts\":\"{ts}\"}}").unwrap();
        writeln!(csv, "{id},{customer},{product},{quantity},{amount},{status},{ts}").unwrap();
    }
    drop((json, csv));
    let sql = format!(
        "SELECT * FROM t INTO o WITH ('t.type'='file','t.path'='{0}/t.csv','t.schema'='{SCHEMA}','o.type'='file','o.path'='{0}/t.parquet')",
        folder.display()
    );
    crate::process::velo(&["--quiet", "--sql", &sql]);
    std::fs::write(mark, rows.to_string()).unwrap();
}

fn tables(folder: &Path) {
    let mut customers = BufWriter::new(File::create(folder.join("customers.csv")).unwrap());
    writeln!(customers, "id,name,tier").unwrap();
    (0..10_000).for_each(|id| writeln!(customers, "{id},customer number {id},{}", ["gold", "silver", "bronze"][id % 3]).unwrap());
    let mut products = BufWriter::new(File::create(folder.join("products.csv")).unwrap());
    writeln!(products, "id,title,price").unwrap();
    (0..1_000).for_each(|id| writeln!(products, "{id},product number {id},{}.99", id % 90).unwrap());
}

/// A file of `count` small records.
pub(crate) fn ids(folder: &Path, count: u64) {
    let mut out = BufWriter::new(File::create(folder.join(format!("e{count}.jsonl"))).unwrap());
    (0..count).for_each(|id| writeln!(out, "{{\"id\":{id}}}").unwrap());
}
