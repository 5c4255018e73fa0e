//! Rows that a join of streams keeps are needed again after a stop: their offsets are not committed.

use std::collections::BTreeSet;

use super::{kafka, write_ids};
use crate::velo::{Folder, Started, eventually_or};

#[test]
fn rows_that_are_kept_are_read_again_after_a_stop() {
    let (kafka, folder) = (kafka(), Folder::new());
    let source =
        |name: &str| format!("{},'{name}.group.id'='g-{name}','{name}.schema'='id BIGINT','{name}.auto.offset.reset'='earliest'", kafka.source(name, name));
    let (left, right) = ("kept_left", "kept_right");
    let sql = format!("SELECT l.id FROM {left} l JOIN {right} r ON l.id = r.id WITHIN INTERVAL '1' HOUR WITH ({},{})", source(left), source(right));
    write_ids(kafka, left, 0..100, "");
    write_ids(kafka, right, 0..50, "");
    let found = |job: &Started| {
        job.output().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap()).collect::<BTreeSet<_>>()
    };
    let run = |wanted: &dyn Fn(&BTreeSet<u64>) -> bool| {
        let mut job = folder.start(&["--format", "json", "--sql", &sql]);
        eventually_or("the pairs", || wanted(&found(&job)), || format!("{:?}\n{}", found(&job), job.log()));
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0, "{}", job.log());
    };
    run(&|ids| *ids == (0..50).collect());
    kafka.send_ids(right, 50..100);
    // The left rows came before the stop.
    run(&|ids| (50..100).all(|id| ids.contains(&id)));
}
