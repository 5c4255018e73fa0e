//! The four batching strategies over Kafka, seen from outside at two loads: one file per batch.

use std::time::{Duration, Instant, SystemTime};

use crate::kafka::Broker;
use crate::velo::{Folder, Started, eventually_or};

/// A batch: its rows, and when its file was written last.
#[derive(Debug)]
struct Batch {
    rows: usize,
    at: SystemTime,
}

struct Run {
    folder: Folder,
    broker: Broker,
    job: Started,
}

fn line(id: u32) -> String {
    format!("{{\"id\":{id:07}}}")
}

impl Run {
    fn start(columns: &str, settings: &str) -> Self {
        let (folder, broker) = (Folder::new(), Broker::start());
        broker.topic("t", 1);
        let text = format!(
            "CREATE STREAM batches AS SELECT {columns} FROM t INTO o WITH ({},'t.schema'='id VARCHAR','o.type'='file','o.path'='o/{{batch_id}}.jsonl',{settings})",
            broker.source("t", "t")
        );
        let job = folder.start(&["--sql", &text]);
        eventually_or("partitions", || job.log().contains("1 partitions assigned"), || job.log());
        Self { folder, broker, job }
    }

    /// Sends messages of 16 bytes.
    fn send(&self, ids: std::ops::Range<u32>) {
        let texts: Vec<String> = ids.map(|id| line(id).replace(':', ":\"").replace('}', "\"}")).collect();
        let messages: Vec<(Option<&str>, &[u8])> = texts.iter().map(|text| (None, text.as_bytes())).collect();
        self.broker.send("t", &messages);
    }

    /// Sends one message after the other.
    fn trickle(&self, count: u32, pause: Duration) {
        for id in 0..count {
            self.send(id..id + 1);
            std::thread::sleep(pause);
        }
    }

    fn batches(&self) -> Vec<Batch> {
        let mut files: Vec<(usize, String)> =
            self.folder.list("o").into_iter().filter_map(|file| Some((file.strip_prefix("o/")?.strip_suffix(".jsonl")?.parse().ok()?, file))).collect();
        files.sort_unstable();
        let batch = |(_, file): (usize, String)| {
            let at = std::fs::metadata(self.folder.path().join(&file)).unwrap().modified().unwrap();
            Batch { rows: self.folder.read(&file).lines().count(), at }
        };
        files.into_iter().map(batch).collect()
    }

    /// The rows of each batch once there are so many in all.
    fn wait_for(&self, rows: usize) -> Vec<usize> {
        let sizes = || self.batches().iter().map(|batch| batch.rows).collect::<Vec<_>>();
        eventually_or("all rows", || sizes().iter().sum::<usize>() >= rows, || format!("{:?}\n{}", sizes(), self.job.log()));
        sizes()
    }
}

#[test]
fn fixed_size_is_cut_at_its_rows_and_at_its_timeout() {
    let run = Run::start("id", "'batch.strategy'='fixed_size','batch.size'='500','batch.timeout'='400ms'");
    run.send(0..1_250);
    let sent = Instant::now();
    assert_eq!(run.wait_for(1_250), [500, 500, 250]);
    assert!((Duration::from_millis(300)..Duration::from_secs(3)).contains(&sent.elapsed()), "the rest waits for its timeout: {:?}", sent.elapsed());
    let slow = Run::start("id", "'batch.strategy'='fixed_size','batch.size'='500','batch.timeout'='400ms'");
    slow.trickle(40, Duration::from_millis(50));
    let sizes = slow.wait_for(40);
    println!("20 messages a second, 400 ms: {sizes:?}");
    assert!(sizes.len() >= 3 && sizes.iter().all(|rows| *rows <= 14), "{sizes:?}");
}

#[test]
fn memory_based_comes_near_its_bytes_or_its_timeout() {
    let settings = "'batch.strategy'='memory_based','batch.memory_size'='8000','batch.timeout'='400ms'";
    let run = Run::start("id", settings);
    run.send(0..5_200);
    let sizes = run.wait_for(5_200);
    println!("8,000 bytes of messages of 16: {sizes:?}");
    // 500 messages have 8,000 bytes.
    let full = sizes.iter().filter(|rows| (495..=505).contains(*rows)).count();
    assert!(full >= 9 && sizes.iter().all(|rows| *rows <= 505), "{sizes:?}");
    let slow = Run::start("id", settings);
    slow.trickle(30, Duration::from_millis(50));
    let sizes = slow.wait_for(30);
    assert!(sizes.len() >= 3 && sizes.iter().all(|rows| *rows <= 14), "{sizes:?}");
}

#[test]
fn low_latency_is_small_and_at_once() {
    let settings = "'batch.strategy'='low_latency','batch.low_latency_max_size'='20','batch.low_latency_wait'='30ms'";
    let run = Run::start("id", settings);
    run.send(0..1_000);
    let sizes = run.wait_for(1_000);
    assert!(sizes.iter().all(|rows| *rows <= 20) && sizes.iter().filter(|rows| **rows == 20).count() >= 40, "{sizes:?}");
    let slow = Run::start("id", settings);
    let mut waits = Vec::new();
    for id in 0..20 {
        let sent = Instant::now();
        slow.send(id..id + 1);
        eventually_or("the message", || slow.batches().len() > id as usize, || slow.job.log());
        waits.push(sent.elapsed());
    }
    waits.sort_unstable();
    println!("low_latency, one message: median {:?}, longest {:?}", waits[10], waits[19]);
    assert!(waits[10] < Duration::from_millis(250), "{waits:?}");
    assert!(slow.wait_for(20).iter().all(|rows| *rows == 1));
}

#[test]
fn adaptive_size_goes_where_batches_take_their_target() {
    let settings =
        "'batch.strategy'='adaptive_size','batch.min_size'='10','batch.adaptive_max_size'='4000','batch.target_latency'='100ms','batch.timeout'='300ms'";
    let light = Run::start("id", settings);
    light.send(0..40_000);
    let light_sizes = light.wait_for(40_000);
    // A load that takes much time for each row.
    let repeats = if cfg!(debug_assertions) { 400 } else { 20_000 };
    let heavy = Run::start(&format!("id, sha512(repeat(id, {repeats})) AS d"), settings);
    heavy.send(0..5_000);
    heavy.wait_for(5_000);
    let batches = heavy.batches();
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.rows).collect();
    let mut took: Vec<Duration> = batches.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at).unwrap_or_default()).collect();
    // The first ones look for the size, the last one is what is left.
    took.drain(..took.len() / 3);
    took.pop();
    took.sort_unstable();
    let median = took[took.len() / 2];
    println!("light: {light_sizes:?}\nheavy: {sizes:?}, median time {median:?} (target 100 ms)");
    for sizes in [&light_sizes, &sizes] {
        let (last, full) = sizes.split_last().unwrap();
        assert!(full.iter().all(|rows| (1..=4_000).contains(rows)) && *last <= 4_000, "{sizes:?}");
    }
    let largest = |sizes: &[usize]| sizes[sizes.len() / 2..].iter().copied().max().unwrap();
    assert!(largest(&light_sizes) >= 4 * largest(&sizes), "light {light_sizes:?}, heavy {sizes:?}");
    assert!((Duration::from_millis(30)..Duration::from_millis(300)).contains(&median), "{median:?} for {sizes:?}");
}
