//! What our figures are compared with.

use std::path::Path;
use std::process::{Command, Stdio};

use datafusion::prelude::{CsvReadOptions, JsonReadOptions, SessionContext};

use crate::process::{Measured, measure};
use crate::{SELECT, data};

/// Plain DataFusion, default session, in a process of its own: this program again.
pub(crate) fn datafusion(folder: &Path, format: &str) -> Measured {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("VELO_BENCH_BASELINE", format).env("VELO_BENCH_FOLDER", folder);
    measure(&mut command)
}

/// The other side of [`datafusion`].
pub(crate) fn run(format: &str) {
    let folder = std::env::var("VELO_BENCH_FOLDER").unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let context = SessionContext::new();
        let schema = arrow_schema();
        let path = format!("{folder}/t.{}", data::suffix(format));
        let stored = match format {
            "csv" => {
                context.register_csv("t", &path, CsvReadOptions::new().schema(&schema)).await.unwrap();
                "CSV"
            }
            "parquet" => {
                context.register_parquet("t", &path, Default::default()).await.unwrap();
                "PARQUET"
            }
            _ => {
                context.register_json("t", &path, JsonReadOptions::default().schema(&schema).file_extension(".jsonl")).await.unwrap();
                "JSON"
            }
        };
        let out = format!("{folder}/base.{}", data::suffix(format));
        let copy = format!("COPY ({SELECT}) TO '{out}' STORED AS {stored}");
        context.sql(&copy).await.unwrap().collect().await.unwrap();
    });
}

fn arrow_schema() -> arrow::datatypes::Schema {
    use arrow::datatypes::{DataType, Field, Schema};
    let types = [DataType::Int64, DataType::Int64, DataType::Int64, DataType::Int32, DataType::Float64, DataType::Utf8, DataType::Utf8];
    let names = ["order_id", "customer_id", "product_id", "quantity", "amount", "status", "ts"];
    Schema::new(names.into_iter().zip(types).map(|(name, data_type)| Field::new(name, data_type, true)).collect::<Vec<_>>())
}

/// DuckDB with as many threads as there are processors, if Python can import it.
pub(crate) fn duckdb(folder: &Path) -> Option<Measured> {
    let python = std::env::var("VELO_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !known {
        return None;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let table = format!(
        "read_json('{}/t.jsonl', format='newline_delimited', columns={{order_id:'BIGINT', customer_id:'BIGINT', product_id:'BIGINT', quantity:'INTEGER', amount:'DOUBLE', status:'VARCHAR', ts:'VARCHAR'}})",
        folder.display()
    );
    let select = SELECT.replace("FROM t", &format!("FROM {table}"));
    let program = format!(
        "import duckdb\nc = duckdb.connect()\nc.execute('SET threads={threads}')\nc.execute(\"\"\"COPY ({select}) TO '{}/duck.json' (FORMAT JSON)\"\"\")",
        folder.display()
    );
    Some(measure(Command::new(python).args(["-c", &program])))
}
