//! On which threads jobs run, and what becomes of those.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use velostream::server::JobState;

use super::kinds::{Bench, HANG, copy};

/// Two threads, few more for what blocks, and the usual stack.
fn small() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).max_blocking_threads(4).enable_all().build().unwrap()
}

#[test]
fn a_deep_statement_needs_no_deep_stack_of_the_application() {
    small().block_on(async {
        let bench = Bench::new();
        let sets = vec!["SELECT n FROM q"; 150].join(" EXCEPT ");
        let script = format!("CREATE STREAM deep AS {sets} INTO o WITH ('q.type'='feed','q.feed'='q','q.bounded'='true','o.type'='heap')");
        let server = bench.server.clone();
        tokio::spawn(async move { server.deploy(&script).await.unwrap() }).await.unwrap();
        bench.feeds.send("q", [1]);
        bench.feeds.end("q");
        let status = bench.server.wait("deep").await.unwrap();
        assert_eq!(status.status, JobState::Finished, "{status:?}");
        bench.server.shutdown().await.unwrap();
    });
}

#[test]
fn an_application_may_have_fewer_threads_than_there_are_sinks() {
    small().block_on(async {
        let bench = Bench::new();
        let script: Vec<String> = (0..12).map(|job| copy(&format!("j{job}"))).collect();
        let deployed = tokio::time::timeout(Duration::from_secs(20), bench.server.deploy(&script.join(";"))).await;
        assert_eq!(deployed.expect("it does not wait for a thread").unwrap().len(), 12);
        bench.server.shutdown().await.unwrap();
    });
}

/// Whether a runtime comes to its end.
fn ends(runtime: Runtime) -> bool {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        send.send(()).unwrap();
    });
    receive.recv_timeout(Duration::from_secs(10)).is_ok()
}

#[test]
fn the_application_can_end_while_a_sink_does_not_answer() {
    let runtime = small();
    let heaps = runtime.block_on(async {
        let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(60)));
        bench.server.deploy(&format!("{};{}", copy("stuck"), copy("a"))).await.unwrap();
        bench.feeds.send("stuck", [HANG]);
        bench.feeds.send("a", [1]);
        bench.heaps.wait("a", 1).await;
        // The server is dropped without a word.
        bench.heaps
    });
    assert!(ends(runtime), "the server's threads hold it up");
    assert_eq!(heaps.of("a"), [1]);
}

#[test]
fn jobs_outlive_the_runtime_that_deployed_them() {
    let runtime = small();
    let bench = Bench::new();
    runtime.block_on(async { bench.server.deploy(&copy("a")).await.unwrap() });
    assert!(ends(runtime), "the server's threads hold it up");
    small().block_on(async {
        bench.feeds.send("a", [1]);
        bench.heaps.wait("a", 1).await;
        bench.server.shutdown().await.unwrap();
    });
}
