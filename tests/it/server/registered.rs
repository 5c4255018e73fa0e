//! Tables, functions, sources and sinks from outside.

use std::sync::Arc;

use velostream::arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use velostream::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use velostream::datafusion::datasource::MemTable;
use velostream::datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use velostream::server::JobState;

use super::kinds::{Bench, settings};

fn countries() -> Arc<MemTable> {
    let schema = Arc::new(Schema::new(vec![Field::new("code", DataType::Int64, false), Field::new("name", DataType::Utf8, false)]));
    let columns: Vec<Arc<dyn velostream::arrow::array::Array>> =
        vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(StringArray::from(vec!["Peru", "Chad"]))];
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![rows]]).unwrap())
}

fn twice() -> velostream::datafusion::logical_expr::ScalarUDF {
    let twice = |values: &[ColumnarValue]| {
        let values = ColumnarValue::values_to_arrays(values)?;
        let doubled: Int64Array = values[0].as_primitive::<Int64Type>().unary(|value| value * 2);
        Ok(ColumnarValue::Array(Arc::new(doubled)))
    };
    create_udf("twice", vec![DataType::Int64], DataType::Int64, Volatility::Immutable, Arc::new(twice))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_uses_a_table_a_function_a_source_and_a_sink_of_the_application() {
    let bench = Bench::with(|builder| builder.register_table("countries", countries()).register_udf(twice()));
    let script =
        format!("CREATE STREAM a AS SELECT twice(n) AS n FROM source_a JOIN countries ON code = n WHERE name LIKE 'P%' INTO out_a WITH ({})", settings("a"));
    bench.server.deploy(&script).await.unwrap();
    bench.feeds.send("a", [1, 2, 3, 1]);
    assert_eq!(bench.heaps.wait("a", 2).await, [2, 2]);
    let metrics = bench.server.metrics("a").unwrap();
    assert_eq!(metrics.sources["countries"].records, 2);
    assert_eq!(metrics.metrics.records_processed, 4, "what is loaded as a table is not the job's input");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_table_is_read_as_a_whole_in_a_batch() {
    let bench = Bench::with(|builder| builder.register_table("countries", countries()).register_udf(twice()));
    let script =
        "CREATE STREAM b AS SELECT twice(max(code)) AS n FROM countries GROUP BY name ORDER BY n INTO out_b WITH ('out_b.type'='heap','out_b.heap'='b')";
    bench.server.deploy(script).await.unwrap();
    assert_eq!(bench.server.wait("b").await.unwrap().status, JobState::Finished);
    assert_eq!(bench.heaps.of("b"), [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_registered_kind_are_checked() {
    let bench = Bench::new();
    let refused = |settings: &str| {
        let script = format!("CREATE STREAM a AS SELECT n FROM s INTO o WITH ('o.type'='heap_sink',{settings})");
        let server = bench.server.clone();
        async move { server.deploy(&script).await.unwrap_err().to_string() }
    };
    let unknown = refused("'s.type'='feed_source','s.feed'='a','s.fed'='b'").await;
    assert!(
        unknown.contains("unknown key 's.fed'") && unknown.contains("did you mean 's.feed'?") && unknown.contains("feed_source has feed, bounded"),
        "{unknown}"
    );
    let missing = refused("'s.type'='feed'").await;
    assert!(missing.contains("'s.feed' is missing"), "{missing}");
    let unset = refused("'s.type'='feed','s.feed'='${NOPE}'").await;
    assert!(unset.contains("environment variable NOPE is not set"), "{unset}");
    let role = refused("'s.type'='heap_sink','s.feed'='x'").await;
    assert!(role.contains("unknown type 'heap_sink'"), "{role}");
}
