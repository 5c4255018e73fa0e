//! What the builder sets, and what jobs share.

use std::time::{Duration, Instant};

use velostream::server::{JobState, StreamJobServer};

use super::kinds::{Bench, copy};
use crate::kafka::Broker;

#[tokio::test(flavor = "multi_thread")]
async fn consumer_groups_begin_with_the_base_and_brokers_are_those_of_the_server() {
    let broker = Broker::start();
    broker.topic("orders", 1);
    broker.send_ids("orders", 0..10);
    for base in ["one", "two"] {
        let bench = Bench::with(|builder| builder.brokers(broker.servers()).group_base(base));
        let job = "CREATE STREAM k AS SELECT id AS n FROM orders INTO o WITH ('orders.type'='kafka','orders.session.timeout.ms'='6000','o.type'='heap')";
        bench.server.deploy(job).await.unwrap();
        // The group of the other base has committed all of them.
        bench.heaps.wait("o", 10).await;
        bench.server.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_file_gives_limits_variables_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    std::fs::write(&file, "VELO_MAX_JOBS: 1\nprofiles:\n  test:\n    feed_name: a\n    max_batch_size: 7\n").unwrap();
    let bench = Bench::with(|builder| builder.application_file(&file).profile("test"));
    bench.server.deploy(&copy("a").replace("'source_a.feed'='a'", "'source_a.feed'='${feed_name}'")).await.unwrap();
    bench.feeds.send("a", [1]);
    bench.heaps.wait("a", 1).await;
    let refused = bench.server.deploy(&copy("b")).await.unwrap_err().to_string();
    assert!(refused.contains("at most 1 may run"), "{refused}");
    let missing = StreamJobServer::builder().application_file(folder.path().join("nothing.yaml")).build().unwrap_err().to_string();
    assert!(missing.contains("nothing.yaml"), "{missing}");
    let environment = StreamJobServer::builder().variable("VELO_MAX_JOBS", "many").build().unwrap_err().to_string();
    assert_eq!(environment, "environment variable VELO_MAX_JOBS = 'many': expected a count of 1 or more");
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_two_deployments_do_not_collide_while_both_run() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new();
    let job = |name: &str| {
        let path = folder.path().join("out.jsonl");
        format!("CREATE STREAM {name} AS SELECT n FROM s INTO o WITH ('s.type'='feed','s.feed'='{name}','o.type'='file','o.path'='{}')", path.display())
    };
    bench.server.deploy(&job("a")).await.unwrap();
    let refused = bench.server.deploy(&job("b")).await.unwrap_err().to_string();
    assert!(refused.starts_with("sink 'o' of job 'b' and sink 'o' of job 'a' write to one file"), "{refused}");
    bench.server.stop("a").await.unwrap();
    bench.server.deploy(&job("b")).await.unwrap();
    let refused = bench.server.restart("a").await.unwrap_err().to_string();
    assert!(refused.starts_with("sink 'o' of job 'a' and sink 'o' of job 'b' write to one file"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_ends_in_time_even_if_a_sink_hangs() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_millis(300)));
    bench.server.deploy(&format!("{};{}", copy("a"), copy("stuck"))).await.unwrap();
    bench.feeds.send("a", [1]);
    bench.heaps.wait("a", 1).await;
    bench.feeds.send("stuck", [super::kinds::HANG]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    let error = bench.server.shutdown().await.unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(error, "these jobs have not finished: stuck; status() of each says why");
    assert_eq!(bench.server.status("a").unwrap().status, JobState::Stopped);
    assert!(bench.server.status("stuck").unwrap().error.unwrap().message.contains("not drained within 0.3 s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_nothing_that_is_told() {
    let with = |feed: &str| copy("a").replace("'source_a.feed'='a'", &format!("'source_a.feed'='{feed}','source_a.password'='${{MY_PASSWORD}}'"));
    let builder = || StreamJobServer::builder().variable("MY_PASSWORD", "sentinel-4711");
    let bench = Bench::with(|builder| builder.variable("MY_PASSWORD", "sentinel-4711"));
    let refused = bench.server.deploy(&with("refused")).await.unwrap_err();
    let inline = bench.server.deploy(&with("refused").replace("${MY_PASSWORD}", "sentinel-0815")).await.unwrap_err();
    assert!(refused.to_string().contains("login with ****"), "{refused}");
    bench.server.deploy(&with("a")).await.unwrap();
    bench.feeds.send("a", [1]);
    let status = bench.state("a", JobState::Failed).await;
    let metrics = serde_json::to_string(&bench.server.metrics("a").unwrap()).unwrap();
    assert!(metrics.contains("login with ****"), "{metrics}");
    let said = [
        format!("{refused} {refused:?} {} {:?}", refused.errors[0], refused.errors[0]),
        format!("{inline} {inline:?} {} {:?} {}", inline.errors[0], inline.errors[0], inline.errors[0].render()),
        metrics,
        format!("{status:?} {:?} {:?}", bench.server, builder()),
        bench.server.stop("a").await.unwrap_err().to_string(),
    ];
    for said in said {
        assert!(!said.contains("sentinel"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_builder_limits_sources_sinks_and_memory_and_refuses_limits_of_nothing() {
    let bench = Bench::with(|builder| builder.max_sources_per_job(1).max_sinks_per_job(1).max_memory(30_000_000));
    let sources = "'q.type'='feed','q.feed'='q','r.type'='feed','r.feed'='r'";
    let two = format!("CREATE STREAM a AS SELECT n FROM q UNION ALL SELECT n FROM r INTO x, y WITH ({sources},'x.type'='heap','y.type'='heap')");
    let refused = bench.server.deploy(&two).await.unwrap_err().to_string();
    assert!(refused.contains("job 'a' has 2 sources; at most 1 is allowed") && refused.contains("job 'a' has 2 sinks; at most 1 is allowed"), "{refused}");
    // It keeps its whole input.
    let whole = "CREATE STREAM big AS SELECT sum(n) OVER () AS n FROM q INTO o WITH ('q.type'='feed','q.feed'='q','q.bounded'='true','o.type'='heap')";
    bench.server.deploy(whole).await.unwrap();
    bench.feeds.send("q", 0..5_000_000);
    bench.feeds.end("q");
    let error = bench.server.wait("big").await.unwrap().error.expect("it needs more memory");
    assert!(error.help.as_ref().is_some_and(|help| help.contains("VELO_MAX_MEMORY_MB")), "{error:?}");
    let builder = StreamJobServer::builder;
    let none = [("max_jobs", builder().max_jobs(0)), ("max_sources_per_job", builder().max_sources_per_job(0))];
    let none = none.into_iter().chain([("max_sinks_per_job", builder().max_sinks_per_job(0)), ("max_memory", builder().max_memory(0))]);
    for (name, builder) in none {
        assert_eq!(builder.build().unwrap_err().to_string(), format!("{name} is 0: expected 1 or more"));
    }
    assert!(builder().variable("VELO_MAX_MEMORY_MB", "20000000000000000").build().is_err());
}
