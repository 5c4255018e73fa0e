//! Deploying, watching, pausing, stopping, starting again.

use std::time::Duration;

use velostream::error::{ErrorKind, Fault};
use velostream::server::{JobState, StreamJobServer};

use super::kinds::{Bench, copy, settings};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_deployed_listed_and_stopped_each_by_itself() {
    let bench = Bench::new();
    let jobs = bench.server.deploy(&format!("{};{}", copy("b"), copy("a"))).await.unwrap();
    assert_eq!(jobs, ["b", "a"], "in the order of the script");
    bench.feeds.send("a", [1, 2]);
    bench.feeds.send("b", [3]);
    bench.heaps.wait("a", 2).await;
    bench.heaps.wait("b", 1).await;
    let names: Vec<String> = bench.server.list().into_iter().map(|job| job.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(bench.server.stop("a").await.unwrap(), ["a"]);
    assert_eq!(bench.server.status("a").unwrap().status, JobState::Stopped);
    // The other one does not notice.
    bench.feeds.send("b", [4]);
    assert_eq!(bench.heaps.wait("b", 2).await, [3, 4]);
    assert_eq!(bench.server.status("b").unwrap().status, JobState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_told_as_the_interface_shows_it() {
    let bench = Bench::new();
    let settings = settings("orders");
    let script = format!("CREATE STREAM \"my-job\" AS SELECT a.n FROM source_orders a INTO out_orders, second WITH ({settings},'second.type'='heap')");
    assert_eq!(bench.server.deploy(&script).await.unwrap(), ["my-job"]);
    bench.feeds.send("orders", [1, 2, 3]);
    bench.heaps.wait("second", 3).await;
    bench.heaps.wait("orders", 3).await;
    let status = serde_json::to_value(bench.server.status("my-job").unwrap()).unwrap();
    assert_eq!(status["name"], "my-job");
    assert_eq!(status["status"], "Running");
    assert_eq!(status["sources"], serde_json::json!({ "source_0_source_orders": "Connected" }));
    assert_eq!(status["sinks"], serde_json::json!({ "sink_0_out_orders": "Connected", "sink_1_second": "Connected" }));
    assert_eq!(status["metrics"]["records_processed"], 3);
    assert!(status["metrics"]["records_per_second"].as_f64().unwrap() > 0.0);
    assert!(status["metrics"]["batches_processed"].as_u64().unwrap() > 0);
    assert!(status["metrics"]["memory_usage_mb"].as_f64().unwrap() > 0.0);
    assert!(status["error"].is_null());
    let metrics = serde_json::to_value(bench.server.metrics("my-job").unwrap()).unwrap();
    for key in ["records_processed", "records_per_second", "batches_processed", "batches_failed", "last_record_time", "errors", "memory_usage_mb"] {
        assert!(!metrics[key].is_null(), "{key}: {metrics}");
    }
    assert_eq!(metrics["sources"]["source_orders"]["records"], 3);
    assert!(metrics["sources"]["source_orders"]["latency_ms"].as_f64().unwrap() > 0.0, "{metrics}");
    assert_eq!((&metrics["sources"]["source_orders"]["error_rate"], &metrics["sources"]["source_orders"]["status"]), (&0.0.into(), &"Connected".into()));
    assert_eq!(metrics["sinks"]["second"]["records"], 3);
    assert!(metrics["sinks"]["second"]["write_latency_ms"].as_f64().unwrap() > 0.0, "{metrics}");
    bench.server.stop("my-job").await.unwrap();
    let ended = serde_json::to_value(bench.server.status("my-job").unwrap()).unwrap();
    assert_eq!((&ended["status"], &ended["sources"]["source_0_source_orders"]), (&"Stopped".into(), &"Disconnected".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_reads_nothing_and_loses_nothing() {
    let bench = Bench::new();
    bench.server.deploy(&format!("{};{}", copy("a"), copy("b"))).await.unwrap();
    bench.feeds.send("a", 0..100);
    bench.heaps.wait("a", 100).await;
    assert_eq!(bench.server.pause("a").unwrap(), ["a"]);
    assert_eq!(bench.server.status("a").unwrap().status, JobState::Paused);
    // The source's task may be about to see it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.feeds.send("a", 100..200);
    bench.feeds.send("b", 0..50);
    bench.heaps.wait("b", 50).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.heaps.of("a").len(), 100, "nothing is read while it is paused");
    assert_eq!(bench.server.resume("a").unwrap(), ["a"]);
    assert_eq!(bench.heaps.wait("a", 200).await, (0..200).collect::<Vec<_>>(), "no row is lost, none comes twice");
    assert_eq!(bench.server.status("a").unwrap().status, JobState::Running);
    // A paused job can be stopped.
    bench.server.pause("a").unwrap();
    bench.server.stop("a").await.unwrap();
    let error = bench.server.resume("a").unwrap_err().to_string();
    assert_eq!(error, "job 'a' does not run: it is Stopped; restart it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_job_starts_again_and_a_removed_one_is_gone() {
    let bench = Bench::new();
    bench.server.deploy(&copy("a")).await.unwrap();
    bench.feeds.send("a", [1]);
    bench.heaps.wait("a", 1).await;
    bench.server.stop("a").await.unwrap();
    bench.feeds.send("a", [2]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.heaps.of("a"), [1]);
    assert_eq!(bench.server.restart("a").await.unwrap(), ["a"]);
    assert_eq!(bench.heaps.wait("a", 2).await, [1, 2]);
    // A running one, too.
    bench.server.restart("a").await.unwrap();
    bench.feeds.send("a", [3]);
    assert_eq!(bench.heaps.wait("a", 3).await, [1, 2, 3]);
    bench.server.remove("a").await.unwrap();
    let error = bench.server.status("a").unwrap_err();
    assert_eq!((error.kind(), error.fault()), (ErrorKind::Config, Fault::User));
    assert!(error.to_string().starts_with("there is no job 'a'"), "{error}");
    bench.server.deploy(&copy("a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_limits_are_those_of_the_whole_server() {
    let bench = Bench::with(|builder| builder.max_jobs(2));
    bench.server.deploy(&copy("a")).await.unwrap();
    let refused = bench.server.deploy(&format!("{};{}", copy("b"), copy("a"))).await.unwrap_err();
    assert_eq!(refused.errors.len(), 2, "{refused}");
    assert!(refused.to_string().contains("there are 3 statements, each of which is a job; at most 2 may run"), "{refused}");
    assert!(refused.to_string().contains("1 of them run already; stop some, or raise VELO_MAX_JOBS"), "{refused}");
    assert!(refused.to_string().contains("there is a job 'a' already"), "{refused}");
    assert!(refused.to_string().contains("script:1:"), "the place is told: {refused}");
    assert_eq!(bench.server.list().len(), 1, "nothing of it was started");
    bench.server.deploy(&copy("b")).await.unwrap();
    assert!(bench.server.deploy(&copy("c")).await.is_err());
    // What has ended does not count.
    bench.server.stop("a").await.unwrap();
    bench.server.deploy(&copy("c")).await.unwrap();
    let refused = bench.server.restart("a").await.unwrap_err();
    assert!(refused.to_string().contains("at most 2 may run"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_without_a_name_gets_one_that_its_script_does_not_have_and_an_empty_one_is_none() {
    let bench = Bench::new();
    let unnamed = format!("SELECT n FROM source_b INTO out_b WITH ({})", settings("b"));
    let script = format!("{unnamed};{}", copy("a").replace("STREAM a", "STREAM query_1"));
    assert_eq!(bench.server.deploy(&script).await.unwrap(), ["query_2", "query_1"]);
    let refused = bench.server.deploy(&copy("c").replace("STREAM c", "STREAM \"\"")).await.unwrap_err().to_string();
    assert!(refused.contains("a stream has an empty name"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_wrong_is_refused_with_all_its_faults_and_their_kinds() {
    let bench = Bench::new();
    let script = "CREATE STREAM a AS SELECT n FROM orders INTO x WITH ('x.type'='heap'); SELECT 100 AS constant_value";
    let refused = bench.server.deploy(script).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("Source type must be explicitly specified for 'orders'"), "{text}");
    assert!(text.contains("No supported datasource found in query analysis for job 'query_1'"), "{text}");
    assert!(refused.errors.iter().all(|error| error.fault() == Fault::User && error.kind() == ErrorKind::Config), "{refused:?}");
    let missing = bench.server.deploy("CREATE STREAM m AS SELECT * FROM orders INTO x WITH ('orders.type'='file','orders.path'='nowhere.csv','x.type'='heap')");
    let missing = missing.await.unwrap_err().to_string();
    assert!(missing.starts_with("Job 'm' failed to create data sources: Failed to create source 'source_0_orders': "), "{missing}");
    assert!(bench.server.deploy(" -- nothing\n").await.unwrap_err().to_string().contains("there is no statement"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_wrong_refuses_the_script_and_one_that_is_away_is_left_out() {
    let bench = Bench::new();
    let with = |fault: &str| format!("{},'second.type'='heap','second.fault'='{fault}'", settings("a"));
    let job = |fault: &str| format!("CREATE STREAM a AS SELECT n FROM source_a INTO out_a, second WITH ({})", with(fault));
    let refused = bench.server.deploy(&format!("{};{}", copy("b"), job("user"))).await.unwrap_err().to_string();
    assert_eq!(refused, "Job 'a' failed to create sinks: Failed to create sink 'sink_1_second': Permission denied");
    assert!(bench.server.list().is_empty(), "nothing of the script runs");
    bench.server.deploy(&job("external")).await.unwrap();
    bench.feeds.send("a", [1]);
    assert_eq!(bench.heaps.wait("a", 1).await, [1]);
    let status = serde_json::to_value(bench.server.status("a").unwrap()).unwrap();
    assert_eq!(status["sinks"], serde_json::json!({ "sink_0_out_a": "Connected", "sink_1_second": "Failed" }));
    assert_eq!(status["status"], "Running");
    assert_eq!((&status["error"]["kind"], &status["error"]["fault"]), (&"sink".into(), &"external".into()), "{status}");
    assert_eq!(status["error"]["message"], "Permission denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_refused_at_the_last_moment_has_replaced_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keep.jsonl");
    std::fs::write(&file, "{\"n\":42}\n").unwrap();
    let bench = Bench::new();
    bench.feeds.send("b", 0..10);
    let first = format!("CREATE STREAM b AS SELECT n FROM s INTO o WITH ('s.type'='feed','s.feed'='b','o.type'='file','o.path'='{}')", file.display());
    let refused = copy("a").replace("WITH (", "WITH ('out_a.fault'='slow:300:user',");
    let refused = bench.server.deploy(&format!("{first};{refused}")).await.unwrap_err().to_string();
    assert!(refused.contains("Permission denied"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"n\":42}\n");
    assert!(bench.server.list().is_empty());
    // Nothing of the input was read, either.
    bench.server.deploy(&copy("b")).await.unwrap();
    assert_eq!(bench.heaps.wait("b", 10).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_paused_and_resumed_too_and_one_that_is_stopped_in_its_midst_is_stopped() {
    let bench = Bench::new();
    let bounded = |name: &str| copy(name).replace("WITH (", &format!("WITH ('source_{name}.bounded'='true',"));
    bench.server.deploy(&format!("{};{}", bounded("a"), bounded("b"))).await.unwrap();
    bench.feeds.send("a", [1]);
    bench.heaps.wait("a", 1).await;
    bench.server.pause("a").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.feeds.send("a", [2]);
    bench.feeds.end("a");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.heaps.of("a"), [1]);
    bench.server.resume("a").unwrap();
    assert_eq!(bench.server.wait("a").await.unwrap().status, JobState::Finished);
    assert_eq!(bench.heaps.of("a"), [1, 2]);
    bench.server.stop("b").await.unwrap();
    assert_eq!(bench.server.status("b").unwrap().status, JobState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_table_is_still_being_loaded_stops_at_once() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(20)));
    let sources = "'q.type'='feed','q.feed'='q','t.type'='feed','t.feed'='t','t.bounded'='true'";
    bench.server.deploy(&format!("CREATE STREAM a AS SELECT q.n FROM q JOIN t ON q.n = t.n INTO o WITH ({sources},'o.type'='heap')")).await.unwrap();
    let begun = std::time::Instant::now();
    bench.server.stop("a").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(bench.server.status("a").unwrap().status, JobState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_finishes_what_was_read_and_starts_nothing_more() {
    let bench = Bench::new();
    bench.server.deploy(&format!("{};{}", copy("a"), copy("b"))).await.unwrap();
    bench.feeds.send("a", 0..1000);
    bench.heaps.wait("a", 1).await;
    bench.server.shutdown().await.unwrap();
    let read = bench.server.metrics("a").unwrap().metrics.records_processed;
    assert_eq!(bench.heaps.of("a").len() as u64, read, "what was read was written");
    assert!(bench.server.list().iter().all(|job| job.status == JobState::Stopped), "{:?}", bench.server.list());
    let refused = bench.server.deploy(&copy("c")).await.unwrap_err().to_string();
    assert!(refused.contains("the server was shut down"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_sink_go_to_the_output_and_settings_come_from_the_builder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), "id\n7\n").unwrap();
    let printed = Printed::default();
    let server = StreamJobServer::builder()
        .variable("FOLDER", folder.path().display().to_string())
        .group_base("mine")
        .brokers("nowhere:9092")
        .output(printed.clone())
        .build()
        .unwrap();
    let jobs = server.deploy("SELECT id FROM orders WITH ('orders.type'='file','orders.path'='${FOLDER}/orders.csv')").await.unwrap();
    assert_eq!(jobs, ["query_1"]);
    assert_eq!(server.wait("query_1").await.unwrap().status, JobState::Finished);
    assert_eq!(String::from_utf8(printed.0.lock().clone()).unwrap(), "{\"id\":7}\n");
    let second = server.deploy("SELECT id FROM orders WITH ('orders.type'='file','orders.path'='${FOLDER}/orders.csv')").await.unwrap();
    assert_eq!(second, ["query_2"], "the next name that is free");
    // The brokers are a default, which is asked.
    let kafka = "CREATE STREAM k AS SELECT * FROM t WITH ('t.type'='kafka','t.schema'='id BIGINT','t.connect.timeout'='300ms')";
    let refused = server.deploy(kafka).await.unwrap_err().to_string();
    assert!(refused.contains("Failed to create source 'source_0_t'") && refused.contains("nowhere:9092"), "{refused}");
}

#[derive(Clone, Debug, Default)]
struct Printed(std::sync::Arc<parking_lot::Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
