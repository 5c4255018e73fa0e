//! Jobs that compute for long or block: others go on, and the end comes in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use velostream::datafusion::arrow::datatypes::DataType;
use velostream::datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use velostream::server::JobState;

use super::kinds::{Bench, HANG, copy, settings};

/// A function that blocks until it is let go.
fn blocking(free: &Arc<AtomicBool>) -> ScalarUDF {
    let free = Arc::clone(free);
    let wait = move |arguments: &[ColumnarValue]| {
        let end = Instant::now() + Duration::from_secs(60);
        while !free.load(Ordering::Relaxed) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(arguments[0].clone())
    };
    create_udf("blocking", vec![DataType::Int64], DataType::Int64, Volatility::Volatile, Arc::new(wait))
}

fn blocked(name: &str) -> String {
    copy(name).replace("SELECT n", "SELECT blocking(n) AS n")
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_block_disturb_no_other_and_no_end() {
    let free = Arc::new(AtomicBool::new(false));
    let bench = Bench::with(|builder| builder.register_udf(blocking(&free)).shutdown_timeout(Duration::from_millis(500)));
    // More than there are threads for what does not block.
    let names: Vec<String> = (0..12).map(|number| format!("b{number}")).collect();
    let script: Vec<String> = names.iter().map(|name| blocked(name)).collect();
    bench.server.deploy(&script.join(";")).await.unwrap();
    names.iter().for_each(|name| bench.feeds.send(name, [1]));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    bench.server.deploy(&copy("other")).await.unwrap();
    bench.feeds.send("other", 0..100);
    bench.heaps.wait("other", 100).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let error = bench.server.shutdown().await.unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(error.contains("these jobs have not finished: b0, b1"), "{error}");
    assert_eq!(bench.server.status("other").unwrap().status, JobState::Stopped);
    assert!(bench.server.status("b3").unwrap().error.unwrap().message.contains("not drained within 0.5 s"));
    free.store(true, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_the_server_counts_more_than_that_of_a_job() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_millis(300)));
    let script: Vec<String> = (0..5).map(|number| copy(&format!("s{number}")).replace("WITH (", "WITH ('shutdown.timeout'='20s',")).collect();
    bench.server.deploy(&script.join(";")).await.unwrap();
    (0..5).for_each(|number| bench.feeds.send(&format!("s{number}"), [HANG]));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert!(bench.server.shutdown().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_given_up_leaves_nothing() {
    let bench = Bench::new();
    let refused = copy("b").replace("'out_b.type'='heap_sink'", "'out_b.type'='heap_sink','out_b.fault'='slow:600:user'");
    let script = format!("{};{refused}", copy("a"));
    let given_up = tokio::time::timeout(Duration::from_millis(300), bench.server.deploy(&script)).await;
    assert!(given_up.is_err(), "its sink is still being opened");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(bench.server.list().is_empty(), "{:?}", bench.server.list());
    bench.server.deploy(&copy("a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn states_tell_what_is_not_open_yet_and_what_is_missing() {
    let bench = Bench::new();
    let slow =
        format!("CREATE STREAM a AS SELECT n FROM source_a INTO out_a, gone WITH ({},'gone.type'='heap','gone.fault'='slow:500:external')", settings("a"));
    let deploying = tokio::spawn({
        let server = bench.server.clone();
        async move { server.deploy(&slow).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(250)).await;
    let status = serde_json::to_value(bench.server.status("a").unwrap()).unwrap();
    assert_eq!((&status["sources"]["source_0_source_a"], &status["sinks"]["sink_1_gone"]), (&"Disconnected".into(), &"Disconnected".into()), "{status}");
    deploying.await.unwrap();
    bench.feeds.send("a", 0..5);
    bench.heaps.wait("a", 5).await;
    let end = Instant::now() + Duration::from_secs(5);
    let missing = || bench.server.metrics("a").unwrap().metrics.errors;
    while missing() < 5 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(missing(), 5, "a sink that could not be created lacks every row");
    let status = serde_json::to_value(bench.server.status("a").unwrap()).unwrap();
    assert_eq!((&status["sources"]["source_0_source_a"], &status["sinks"]["sink_1_gone"]), (&"Connected".into(), &"Failed".into()), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_tells_its_own_memory() {
    let bench = Bench::new();
    let counts = "CREATE STREAM a AS SELECT n, count(*) AS c FROM source_a GROUP BY n WITH ('source_a.type'='feed','source_a.feed'='a')";
    bench.server.deploy(&format!("{counts};{}", copy("b"))).await.unwrap();
    bench.feeds.send("a", 0..200_000);
    bench.feeds.send("b", [1]);
    bench.heaps.wait("b", 1).await;
    let memory = |name: &str| bench.server.metrics(name).unwrap().metrics.memory_usage_mb;
    let end = Instant::now() + Duration::from_secs(20);
    while memory("a") < 10.0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(memory("a") > 10.0 && memory("b") < 1.0, "{} and {} MB", memory("a"), memory("b"));
    bench.server.stop("a").await.unwrap();
    assert!(memory("a") < 1.0, "{}", memory("a"));
}
