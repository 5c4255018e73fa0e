//! What a job that panics does to others: nothing.

use velostream::datafusion::arrow::datatypes::DataType;
use velostream::datafusion::common::DataFusionError;
use velostream::datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use velostream::error::{ErrorKind, Fault};
use velostream::server::{JobState, JobStatus};

use super::kinds::{Bench, PANIC, SINK_PANIC, copy, settings};

/// The other job goes on.
async fn others_go_on(bench: &Bench) {
    bench.feeds.send("other", [1]);
    bench.heaps.wait("other", 1).await;
    assert_eq!(bench.server.status("other").unwrap().status, JobState::Running);
}

fn is_internal(status: &JobStatus, said: &str) {
    let error = status.error.as_ref().expect("an error");
    assert_eq!((error.kind, error.fault), (ErrorKind::Internal, Fault::Internal), "{error:?}");
    assert!(error.message.contains(said), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_panics_fails_its_job_only() {
    let bench = Bench::new();
    bench.server.deploy(&format!("{};{}", copy("other"), copy("bad"))).await.unwrap();
    bench.feeds.send("bad", [PANIC]);
    let status = bench.state("bad", JobState::Failed).await;
    is_internal(&status, "job 'bad', source 'source_bad': the source has panicked: the source was told to panic");
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fails_even_if_sources_that_fail_are_tolerated() {
    let bench = Bench::new();
    let bad = copy("bad").replace("WITH (", "WITH ('failure_strategy'='LogAndContinue',");
    bench.server.deploy(&format!("{};{bad}", copy("other"))).await.unwrap();
    bench.feeds.send("bad", [PANIC]);
    is_internal(&bench.state("bad", JobState::Failed).await, "the source has panicked");
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_panics_fails_its_job_only() {
    let bench = Bench::new();
    bench.server.deploy(&format!("{};{}", copy("other"), copy("bad"))).await.unwrap();
    bench.feeds.send("bad", [SINK_PANIC]);
    let status = bench.state("bad", JobState::Failed).await;
    is_internal(&status, "job 'bad', sink 'out_bad' has panicked: the sink was told to panic");
    assert_eq!(serde_json::to_value(&status).unwrap()["sinks"]["sink_0_out_bad"], "Failed");
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_a_source_that_panics_when_it_is_told_what_is_durable_or_at_its_end() {
    let bench = Bench::new();
    bench.server.deploy(&copy("other")).await.unwrap();
    let bad = |name: &str, panics: &str| copy(name).replace("WITH (", &format!("WITH ('source_{name}.panics'='{panics}',"));
    bench.server.deploy(&bad("one", "durable")).await.unwrap();
    bench.feeds.send("one", [1]);
    is_internal(&bench.state("one", JobState::Failed).await, "job 'one', source 'source_one': the source has panicked: ");
    // The other source would go on.
    let two =
        format!("CREATE STREAM two AS SELECT n FROM source_two UNION ALL SELECT n FROM r INTO out_two WITH ('r.type'='feed','r.feed'='r',{})", settings("two"));
    bench.server.deploy(&two.replace("WITH (", "WITH ('source_two.panics'='durable',")).await.unwrap();
    bench.feeds.send("two", [1]);
    is_internal(&bench.state("two", JobState::Failed).await, "the source has panicked");
    bench.server.deploy(&bad("last", "close")).await.unwrap();
    bench.feeds.send("last", [1]);
    bench.heaps.wait("last", 1).await;
    bench.server.stop("last").await.unwrap_err();
    is_internal(&bench.server.status("last").unwrap(), "the source has panicked");
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_that_panics_when_it_is_opened() {
    let bench = Bench::new();
    bench.server.deploy(&copy("other")).await.unwrap();
    bench.server.deploy(&copy("bad").replace("WITH (", "WITH ('out_bad.fault'='panic',")).await.unwrap();
    let failed = bench.state("bad", JobState::Failed).await;
    is_internal(&failed, "Failed to create sink 'sink_0_out_bad': the sink has panicked: ");
    assert_eq!(failed.sinks["sink_0_out_bad"], velostream::stream::ConnectionState::Failed);
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_panics_fails_its_job_only() {
    let boom = create_udf("boom", vec![DataType::Int64], DataType::Int64, Volatility::Volatile, std::sync::Arc::new(boom));
    let bench = Bench::with(|builder| builder.register_udf(boom));
    let bad = format!("CREATE STREAM bad AS SELECT boom(n) AS n FROM source_bad INTO out_bad WITH ({})", settings("bad"));
    bench.server.deploy(&format!("{};{bad}", copy("other"))).await.unwrap();
    bench.feeds.send("bad", [1]);
    let status = bench.state("bad", JobState::Failed).await;
    assert!(status.error.unwrap().message.contains("the function was told to panic"));
    others_go_on(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_panics_fails_by_its_own_name() {
    let boom = create_udf("boom", vec![DataType::Int64], DataType::Int64, Volatility::Volatile, std::sync::Arc::new(boom));
    let bench = Bench::with(|builder| builder.register_udf(boom));
    let first = "CREATE STREAM first AS SELECT n FROM s INTO a WITH ('s.type'='feed','s.feed'='s','s.bounded'='true','a.type'='heap')";
    let second = "CREATE STREAM second AS SELECT sum(boom(n)) AS n FROM first INTO b WITH ('b.type'='heap')";
    bench.server.deploy(&format!("{};{first};{second}", copy("other"))).await.unwrap();
    bench.feeds.send("s", [1]);
    bench.feeds.end("s");
    is_internal(&bench.state("second", JobState::Failed).await, "the job has panicked: the function was told to panic");
    is_internal(&bench.state("first", JobState::Failed).await, "stopped, since job 'second' of the same pipeline failed");
    others_go_on(&bench).await;
}

fn boom(_: &[ColumnarValue]) -> Result<ColumnarValue, DataFusionError> {
    panic!("the function was told to panic")
}
