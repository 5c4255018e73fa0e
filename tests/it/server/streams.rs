//! Statements that read jobs of other deployments.

use std::time::Duration;

use velostream::server::JobState;

use super::kinds::{Bench, copy, reader, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_read_from_its_deployment_on() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.feeds.send("up", [1, 2]);
    bench.heaps.wait("up", 2).await;
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.feeds.send("up", 3..2000);
    let expected: Vec<i64> = (3..2000).map(|n| n * 10).collect();
    assert_eq!(bench.heaps.wait("down", expected.len()).await, expected, "what came before its deployment is not read");
    assert_eq!(bench.heaps.wait("up", 1999).await.len(), 1999, "the job's own sink gets all of it");
    let status = bench.server.status("down").unwrap();
    assert_eq!(status.reads, ["up"]);
    // A chain.
    bench.server.deploy(&reader("third", "down")).await.unwrap();
    bench.feeds.send("up", [5000]);
    assert_eq!(bench.heaps.wait("third", 1).await, [500_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_source_of_the_name_wins_and_an_unknown_one_has_no_type() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    let own = "CREATE STREAM own AS SELECT n FROM up INTO out_own WITH ('up.type'='feed','up.feed'='elsewhere','out_own.type'='heap','out_own.heap'='own')";
    bench.server.deploy(own).await.unwrap();
    bench.feeds.send("up", [1]);
    bench.heaps.wait("up", 1).await;
    bench.feeds.send("elsewhere", [2]);
    assert_eq!(bench.heaps.wait("own", 1).await, [2]);
    assert!(bench.server.status("own").unwrap().reads.is_empty());
    let refused = bench.server.deploy(&reader("down", "nobody")).await.unwrap_err().to_string();
    assert!(refused.contains("Source type must be explicitly specified for 'nobody'"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_wait_for_a_job_that_is_stopped_and_go_on_with_it() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.feeds.send("up", [1]);
    assert_eq!(bench.heaps.wait("down", 1).await, [10]);
    let refused = bench.server.remove("up").await.unwrap_err().to_string();
    assert_eq!(refused, "job 'up' is read by 'down'; stop these first");
    bench.server.stop("up").await.unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let status = serde_json::to_value(bench.server.status("down").unwrap()).unwrap();
        if status["sources"]["source_0_up"] == "Reconnecting" {
            assert_eq!((&status["status"], &status["error"]["message"]), (&"Running".into(), &"job 'up' is stopped".into()));
            break;
        }
        assert!(std::time::Instant::now() < end, "{status}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.server.restart("up").await.unwrap();
    bench.feeds.send("up", [2]);
    assert_eq!(bench.heaps.wait("down", 2).await, [10, 20]);
    assert_eq!(serde_json::to_value(bench.server.status("down").unwrap()).unwrap()["sources"]["source_0_up"], "Connected");
    bench.server.stop("down").await.unwrap();
    bench.server.remove("up").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_end_when_the_input_of_what_they_read_ends() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.feeds.send("up", 0..50);
    bench.feeds.end("up");
    assert_eq!(bench.server.wait("down").await.unwrap().status, JobState::Finished);
    assert_eq!(bench.heaps.of("down").len(), 50);
    let refused = bench.server.deploy(&reader("late", "up")).await.unwrap_err().to_string();
    assert!(refused.contains("Source type must be explicitly specified for 'up'"), "nothing more comes of it: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_slows_the_job_down_and_nothing_is_lost() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.server.pause("down").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for part in 0..200 {
        bench.feeds.send("up", part * 1000..(part + 1) * 1000);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let through = bench.heaps.of("up").len();
    assert!(through < 100_000, "{through} rows went through though their reader takes none");
    bench.server.resume("down").unwrap();
    let expected: Vec<i64> = (0..200_000).map(|n| n * 10).collect();
    assert_eq!(bench.heaps.wait("down", expected.len()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_its_readers_can_be_stopped() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(10)));
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.server.pause("down").unwrap();
    for part in 0..60 {
        bench.feeds.send("up", part * 1000..(part + 1) * 1000);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = std::time::Instant::now();
    bench.server.stop("up").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "it does not wait for its time to be over");
    let written = bench.heaps.of("up").len();
    bench.server.resume("down").unwrap();
    assert_eq!(bench.heaps.wait("down", written).await.len(), written, "the reader gets what the job has written");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_hands_the_last_rows_on() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.server.deploy(&reader("third", "down")).await.unwrap();
    // Rows wait between the jobs.
    bench.server.pause("down").unwrap();
    bench.feeds.send("up", 0..15_000);
    bench.heaps.wait("up", 15_000).await;
    bench.server.shutdown().await.unwrap();
    assert_eq!((bench.heaps.of("down").len(), bench.heaps.of("third").len()), (15_000, 15_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_one_script_that_read_each_other_stop_together() {
    let bench = Bench::new();
    let script = format!("CREATE STREAM first AS SELECT n + 1 AS n FROM source_up INTO out_up WITH ({});{}", settings("up"), reader("second", "first"));
    assert_eq!(bench.server.deploy(&script).await.unwrap(), ["first", "second"]);
    bench.feeds.send("up", [1]);
    assert_eq!(bench.heaps.wait("second", 1).await, [20]);
    assert_eq!(bench.server.status("first").unwrap().pipeline, ["second"]);
    assert_eq!(bench.server.stop("second").await.unwrap(), ["first", "second"]);
    assert_eq!(bench.server.status("first").unwrap().status, JobState::Stopped);
    assert_eq!(bench.server.restart("first").await.unwrap(), ["first", "second"]);
    bench.feeds.send("up", [2]);
    assert_eq!(bench.heaps.wait("second", 2).await, [20, 30]);
}
