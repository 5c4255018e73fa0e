//! A long run at a steady load, then silence: memory stays, nobody works without work, and the next message is out at once.
//! VELO_SOAK_SECONDS (20), VELO_SILENCE_SECONDS (5): how long. With VELO_BINARY it is another build that runs.

use std::time::{Duration, Instant};

use super::{id_message, kafka, send_one};
use crate::velo::{Folder, Started, eventually_or};

const RATE: u32 = 2_000;

fn seconds(variable: &str, otherwise: u64) -> Duration {
    Duration::from_secs(std::env::var(variable).ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(otherwise))
}

/// Resident memory in KiB.
fn memory(job: &Started) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", job.child.id())).unwrap();
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse().ok()).unwrap()
}

/// Time of the processor that it has used.
fn used(job: &Started) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", job.child.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    // SAFETY: asks for a number.
    Duration::from_secs_f64(ticks as f64 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64)
}

#[test]
fn a_steady_load_then_silence_then_one_message() {
    let (folder, kafka) = (Folder::new(), kafka());
    kafka.create("soaked", 2, &[]);
    // One connection, so that sending takes no time of its own.
    let producer = kafka.producer(&[("linger.ms", "0")]);
    let send_ids = |ids: std::ops::Range<u32>| {
        ids.map(id_message).for_each(|message| send_one(&producer, "soaked", message));
        // A poll takes in one event, and reports that nobody takes in fill the client's queue.
        (0..RATE / 20).for_each(|_| producer.poll(Duration::ZERO));
    };
    let table = |name: &str, rows: u32| (0..rows).map(|id| format!("{id},{name}{id}\n")).fold("id,name\n".to_owned(), |all, line| all + &line);
    folder.write("names.csv", table("n", 1_000));
    folder.write("places.csv", table("p", 100));
    let text = format!(
        "CREATE STREAM soaks AS SELECT t.id, n.name, p.name AS place FROM t JOIN names n ON t.id % 1000 = n.id JOIN places p ON t.id % 100 = p.id INTO o
         WITH ({},'t.schema'='id BIGINT','names.type'='file','names.path'='names.csv','places.type'='file','places.path'='places.csv',
         'o.type'='file','o.path'='o.jsonl','batch.strategy'='low_latency')",
        kafka.source("t", "soaked")
    );
    let mut job = folder.start(&["--sql", &text]);
    eventually_or("partitions", || job.log().contains("partitions assigned"), || job.log());
    let length = || std::fs::metadata(folder.path().join("o.jsonl")).map_or(0, |file| file.len());
    let (soak, began, part) = (seconds("VELO_SOAK_SECONDS", 20), Instant::now(), RATE / 20);
    let (mut sent, mut early) = (0, None);
    while began.elapsed() < soak {
        send_ids(sent..sent + part);
        sent += part;
        if began.elapsed() >= soak / 10 && early.is_none() {
            early = Some(memory(&job));
        }
        std::thread::sleep((began + Duration::from_secs_f64(f64::from(sent) / f64::from(RATE))).saturating_duration_since(Instant::now()));
    }
    let (early, late) = (early.unwrap(), memory(&job));
    let lines = || folder.read("o.jsonl").lines().count();
    eventually_or("all rows", || lines() == sent as usize, || format!("{} of {sent}\n{}", lines(), job.log()));
    // A short run is not long enough for the allocator to come to rest.
    let most = if soak < Duration::from_secs(120) { 10 } else { 5 };
    let growth = 100.0 * (late as f64 / early as f64 - 1.0);
    println!("{sent} messages in {:?}: {early} KiB after a tenth, {late} KiB at the end ({growth:.1} %)", began.elapsed());
    std::thread::sleep(Duration::from_secs(1));
    let (silence, before) = (seconds("VELO_SILENCE_SECONDS", 5), used(&job));
    std::thread::sleep(silence);
    let share = 100.0 * (used(&job) - before).as_secs_f64() / silence.as_secs_f64();
    let mut waits = Vec::new();
    for id in sent..sent + 9 {
        let (known, since) = (length(), Instant::now());
        send_ids(id..id + 1);
        while length() == known {
            assert!(since.elapsed() < Duration::from_secs(30), "{}", job.log());
            std::thread::sleep(Duration::from_millis(1));
        }
        waits.push(since.elapsed());
        std::thread::sleep(Duration::from_millis(300));
    }
    let first = waits[0];
    waits.sort_unstable();
    println!("silence of {silence:?}: {share:.2} % of a processor; one message is out after {:?} (median), {first:?} (the first)", waits[4]);
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(growth <= f64::from(most), "{early} KiB, then {late} KiB");
    let debug = std::env::var_os("VELO_BINARY").is_none() && cfg!(debug_assertions);
    assert!(share < if debug { 3.0 } else { 1.0 }, "{share} %");
    assert!(waits[4] < Duration::from_millis(50), "{waits:?}");
}
