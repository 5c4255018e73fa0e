//! A broker that is killed, stays away and comes back.

use std::time::{Duration, Instant};

use super::{Kafka, count, lines, write_ids};
use crate::velo::{Folder, eventually_or};

#[test]
fn a_broker_that_is_killed_and_comes_back() {
    // VELO_OUTAGE_SECONDS: how long it stays away.
    let away = Duration::from_secs(std::env::var("VELO_OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(15));
    let kafka = Kafka::start();
    write_ids(&kafka, "before", 0..1_000, "");
    let folder = Folder::new();
    // Short, so that the group is lost in the meantime, too: brokers that come back wait so long again for the members they knew.
    let text = format!(
        "CREATE STREAM surviving AS SELECT id FROM t INTO o, k WITH ({},'t.schema'='id BIGINT','t.session.timeout.ms'='6000','o.type'='file','o.path'='o.jsonl',{})",
        kafka.source("t", "before"),
        kafka.sink("k", "after")
    );
    let mut job = folder.start(&["--sql", &text, "--summary", "json"]);
    let rows = || lines(&folder, "o.jsonl").len();
    eventually_or("the first rows", || rows() >= 1_000, || job.log());
    let told = job.log().lines().count();
    kafka.kill();
    let killed = Instant::now();
    eventually_or("the loss is noticed", || ["source 't'", "sink 'k'"].iter().all(|place| tells(&job.log(), place, "status Reconnecting")), || job.log());
    println!("Reconnecting after {:?}", killed.elapsed());
    std::thread::sleep(away.saturating_sub(killed.elapsed()));
    let meanwhile: Vec<String> = job.log().lines().skip(told).map(str::to_owned).collect();
    kafka.again();
    let back = Instant::now();
    write_ids(&kafka, "before", 1_000..2_000, "");
    eventually_or("the rest", || rows() >= 2_000, || job.log());
    eventually_or("status Connected", || ["source 't'", "sink 'k'"].iter().all(|place| tells(&job.log(), place, "status Connected")), || job.log());
    println!("{} lines in {away:?} without a broker; Connected {:?} after it was back\n{}", meanwhile.len(), back.elapsed(), meanwhile.join("\n"));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    let minutes = away.as_secs().div_ceil(60) as usize;
    assert!(meanwhile.len() <= 10 * minutes, "{}", job.log());
    let after = count(&kafka, "after");
    assert!(after.contains("\"d\":2000"), "{after}");
    let mut written = lines(&folder, "o.jsonl");
    written.sort();
    written.dedup();
    assert_eq!(written.len(), 2_000);
}

fn tells(log: &str, place: &str, state: &str) -> bool {
    log.lines().any(|line| line.contains(place) && line.contains(state))
}
