//! Deployments at the same time, and the end of the server in the midst of them.

use std::path::Path;
use std::time::{Duration, Instant};

use velostream::server::JobState;

use super::kinds::{Bench, copy, reader};

/// A deployment that goes on; what becomes of it as text.
fn deploying(bench: &Bench, script: &str) -> tokio::task::JoinHandle<Result<Vec<String>, String>> {
    let (server, script) = (bench.server.clone(), script.to_owned());
    tokio::spawn(async move { server.deploy(&script).await.map_err(|error| error.to_string()) })
}

/// A job that takes long to connect to its source, or to open its sink.
fn slow(source_ms: u64, sink_ms: u64) -> String {
    let source = if source_ms > 0 { format!(",'q.slow'='{source_ms}'") } else { String::new() };
    let sink = if sink_ms > 0 { format!(",'o.fault'='slow:{sink_ms}'") } else { String::new() };
    format!("CREATE STREAM slow AS SELECT n FROM q INTO o WITH ('q.type'='feed','q.feed'='q'{source},'o.type'='heap'{sink})")
}

fn into_file(name: &str, path: &Path) -> String {
    format!("CREATE STREAM {name} AS SELECT n FROM s INTO o WITH ('s.type'='feed','s.feed'='{name}','o.type'='file','o.path'='{}')", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_long_to_connect_holds_nobody_up() {
    for job in [slow(6000, 0), slow(0, 6000)] {
        let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_millis(500)));
        bench.server.deploy(&copy("a")).await.unwrap();
        let begun = Instant::now();
        let deploying = deploying(&bench, &job);
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.server.deploy(&copy("b")).await.unwrap();
        bench.server.restart("a").await.unwrap();
        bench.server.remove("a").await.unwrap();
        let taken = bench.server.deploy(&slow(0, 0)).await.unwrap_err().to_string();
        assert!(taken.contains("there is a job 'slow' already"), "{taken}");
        let ended = bench.server.shutdown().await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: {ended:?}", begun.elapsed());
        assert_eq!(bench.server.status("b").unwrap().status, JobState::Stopped);
        let _told = tokio::time::timeout(Duration::from_secs(4), deploying).await.expect("it is told, too");
        assert!(bench.server.deploy(&copy("c")).await.unwrap_err().to_string().contains("was shut down"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_given_up_leaves_its_name_free() {
    let bench = Bench::new();
    let server = bench.server.clone();
    let script = slow(6000, 0);
    assert!(tokio::time::timeout(Duration::from_millis(300), server.deploy(&script)).await.is_err());
    let begun = Instant::now();
    while let Err(error) = bench.server.deploy(&slow(0, 0)).await {
        assert!(begun.elapsed() < Duration::from_secs(5), "{error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_a_job_that_has_ended_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let bench = Bench::new();
    bench.server.deploy(&into_file("a", &path)).await.unwrap();
    let deploying = deploying(&bench, &slow(1000, 0));
    tokio::time::sleep(Duration::from_millis(200)).await;
    bench.server.stop("a").await.unwrap();
    deploying.await.unwrap().unwrap();
    bench.server.deploy(&into_file("b", &path)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_can_not_be_started_again_claims_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, out) = (folder.path().join("s.csv"), folder.path().join("o.jsonl"));
    std::fs::write(&csv, "n\n1\n").unwrap();
    let bench = Bench::new();
    let sources = format!("'s.type'='file','s.path'='{}','s.follow'='true'", csv.display());
    bench.server.deploy(&format!("CREATE STREAM up AS SELECT * FROM s INTO o WITH ({sources},'o.type'='file','o.path'='{}')", out.display())).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.server.stop("up").await.unwrap();
    std::fs::write(&csv, "n,m\n1,2\n").unwrap();
    let refused = bench.server.restart("up").await.unwrap_err().to_string();
    assert!(refused.contains("job 'up' has other columns than before, and other jobs read it"), "{refused}");
    bench.server.deploy(&into_file("other", &out)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_still_being_deployed_does_not_slow_the_job_down() {
    let bench = Bench::new();
    bench.server.deploy(&copy("up")).await.unwrap();
    let slow = "'q.type'='feed','q.feed'='q','q.slow'='3000','o.type'='heap'";
    let deploying = deploying(&bench, &format!("CREATE STREAM down AS SELECT n FROM up UNION ALL SELECT n FROM q INTO o WITH ({slow})"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    for part in 0..60 {
        bench.feeds.send("up", part * 1000..(part + 1) * 1000);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bench.heaps.wait("up", 60_000).await;
    assert!(!deploying.is_finished(), "it was not there yet");
    let refused = bench.server.remove("up").await.unwrap_err().to_string();
    assert!(refused.contains("job 'up' is read by 'down'"), "{refused}");
    deploying.await.unwrap().unwrap();
    bench.feeds.send("up", [-7]);
    assert_eq!(bench.heaps.wait("o", 1).await, [-7], "it reads what comes from then on");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_hands_the_rows_on_to_a_reader_that_is_paused() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(20)));
    bench.server.deploy(&copy("up")).await.unwrap();
    bench.server.deploy(&reader("down", "up")).await.unwrap();
    bench.server.pause("down").unwrap();
    for part in 0..60 {
        bench.feeds.send("up", part * 1000..(part + 1) * 1000);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The job waits for room.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let server = bench.server.clone();
    let pausing = tokio::spawn(async move {
        for _ in 0..100 {
            let _refused = server.pause("down");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let begun = Instant::now();
    bench.server.shutdown().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    pausing.await.unwrap();
    assert_eq!(bench.heaps.of("down").len(), bench.heaps.of("up").len());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_tells_of_rows_that_did_not_reach_their_reader() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_millis(500)));
    bench.server.deploy(&copy("up")).await.unwrap();
    let hangs = reader("down", "up").replace("n * 10 AS n", "CASE WHEN n = 1 THEN -3 ELSE n END AS n");
    bench.server.deploy(&hangs).await.unwrap();
    bench.feeds.send("up", [1]);
    for part in 2..200 {
        bench.feeds.send("up", part * 1000..(part + 1) * 1000);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bench.heaps.wait("up", 10_000).await;
    let error = bench.server.shutdown().await.unwrap_err().to_string();
    assert!(error.contains("the last rows of these have not reached the jobs that read them: up"), "{error}");
}
