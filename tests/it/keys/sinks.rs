//! Keys of every sink, and of file sinks.

use std::time::Duration;

use crate::velo::{Folder, Ran, eventually_or};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..50).map(|id| format!("{{\"id\":{id},\"n\":\"x{}\"}}\n", id % 2)).collect::<String>());
    folder
}

/// Writes 50 rows of `id` and `n`.
fn write(folder: &Folder, settings: &str) -> Ran {
    folder.sql(&format!("SELECT id, n FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file',{settings})"))
}

fn first_line(folder: &Folder, name: &str) -> String {
    folder.read(name).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn what_a_file_is_and_where() {
    let folder = folder();
    write(&folder, "'o.path'='deep/er/o.data'").expect(0);
    assert_eq!(first_line(&folder, "deep/er/o.data"), "{\"id\":0,\"n\":\"x0\"}");
    write(&folder, "'o.path'='o.data','o.format'='csv'").expect(0);
    assert_eq!(first_line(&folder, "o.data"), "id,n");
}

#[test]
fn types_say_what_writes() {
    let folder = folder();
    let run = |kind: &str| folder.sql(&format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl',{kind}'o.path'='o.csv')"));
    run("'o.type'='file_sink',").expect(0);
    assert!(run("").expect(2).err.contains("Sink type must be explicitly specified for 'o'"));
    assert!(run("'o.type'='kafka',").expect(2).err.contains("'o.path' is a key of file_sink"));
}

#[test]
fn csv_is_written_as_it_says() {
    let folder = folder();
    write(&folder, "'o.path'='o.csv','o.has_headers'='false'").expect(0);
    assert_eq!(first_line(&folder, "o.csv"), "0,x0");
    write(&folder, "'o.path'='o.csv','o.delimiter'='\\t'").expect(0);
    assert_eq!(first_line(&folder, "o.csv"), "id\tn");
}

#[test]
fn files_are_compressed_as_they_say() {
    let folder = folder();
    let magic = |settings: &str| {
        write(&folder, &format!("'o.path'='o.jsonl'{settings}")).expect(0);
        std::fs::read(folder.path().join("o.jsonl")).unwrap()[..2].to_vec()
    };
    assert_eq!(magic(""), b"{\"");
    assert_eq!(magic(",'o.compression'='gzip'"), [0x1f, 0x8b]);
    assert_eq!(magic(",'o.compression'='zstd'"), [0x28, 0xb5]);
}

#[test]
fn rotated_files_are_named_after_their_period() {
    let folder = folder();
    write(&folder, "'o.path'='none/o.jsonl'").expect(0);
    assert_eq!(folder.list("none"), ["none/o.jsonl"]);
    let now = || chrono::Utc::now();
    for (rotation, form) in [("daily", "%Y-%m-%d"), ("hourly", "%Y-%m-%d-%H")] {
        let before = now().format(form).to_string();
        write(&folder, &format!("'o.path'='{rotation}/o.jsonl','o.rotation'='{rotation}'")).expect(0);
        let after = now().format(form).to_string();
        let found = folder.list(rotation);
        assert!(found == [format!("{rotation}/o.{before}.jsonl")] || found == [format!("{rotation}/o.{after}.jsonl")], "{found:?}");
    }
}

#[test]
fn a_file_is_ended_at_its_age() {
    let files = |settings: &str| {
        let folder = Folder::new();
        folder.write("a.jsonl", "");
        let sql = format!(
            "SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','a.schema'='id BIGINT','a.follow'='true','a.follow.interval'='10ms','o.type'='file','o.path'='out/o.jsonl'{settings})"
        );
        let mut job = folder.start(&["--sql", &sql]);
        eventually_or("the job runs", || job.log().contains(" started"), || job.log());
        for id in 0..4 {
            let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join("a.jsonl")).unwrap();
            std::io::Write::write_all(&mut file, format!("{{\"id\":{id}}}\n").as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(300));
        }
        job.signal(libc::SIGTERM);
        assert_eq!(job.wait(), 0, "{}", job.log());
        folder.list("out").len()
    };
    assert_eq!(files(""), 1);
    assert!(files(",'o.roll.interval'='100ms'") >= 3);
}

#[test]
fn bytes_are_collected_before_they_are_written() {
    let folder = Folder::new();
    // Of text that does not shrink.
    let digest = |id: u64| {
        (0..4u64)
            .map(|part| format!("{:016x}", (id * 4 + part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9)))
            .collect::<String>()
    };
    folder.write("a.jsonl", (0..40_000).map(|id| format!("{{\"id\":{id},\"p\":\"{}\"}}\n", digest(id))).collect::<String>());
    folder.write("b.jsonl", "");
    let writes = |size: &str| {
        // Another statement keeps the process, so that its writes can be counted when the file is complete.
        let sql = format!(
            "SELECT id, p FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='{size}.parquet','o.buffer_size_bytes'='{size}');
             SELECT id FROM b WITH ('b.type'='file','b.path'='b.jsonl','b.follow'='true','b.schema'='id BIGINT')"
        );
        let job = folder.start(&["--sql", &sql]);
        eventually_or("the file", || folder.exists(&format!("{size}.parquet")), || job.log());
        let counts = std::fs::read_to_string(format!("/proc/{}/io", job.child.id())).unwrap();
        counts.lines().find_map(|line| line.strip_prefix("syscw: ")?.parse::<u64>().ok()).unwrap()
    };
    let (large, small) = (writes("8MB"), writes("64"));
    assert!(small > large + 100, "{small} and {large} writes");
}

#[test]
fn the_key_of_an_encryption_may_be_a_setting() {
    let folder = folder();
    let settings = "'o.path'='o.enc','o.format'='json','o.encryption'='AES256'";
    assert!(write(&folder, settings).expect(2).err.contains("there is no key"));
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    write(&folder, &format!("{settings},'o.encryption.key'='{key}'")).expect(0);
    let plain = folder.run_with(&["decrypt", "o.enc"], &[("VELO_ENCRYPTION_KEY", key)], b"").expect(0).out;
    assert_eq!(plain.lines().count(), 50);
}

#[test]
fn a_sink_is_tried_again_as_it_or_its_job_says() {
    let folder = folder();
    for (settings, told) in [
        (",'max_retries'='1','retry_backoff'='7ms'", Some("try 1 of 1 in 7 ms")),
        (",'max_retries'='1','retry_backoff'='7ms','o.max_retries'='2','o.retry_backoff'='9ms'", Some("try 2 of 2 in 18 ms")),
        (",'o.max_retries'='0'", None),
        (",'failure_strategy'='FailBatch','retry_backoff'='7ms'", None),
        (",'failure_strategy'='FailBatch','retry_backoff'='7ms','o.failure_strategy'='RetryWithBackoff'", Some("try 1 of 3 in 7 ms")),
    ] {
        let err = write(&folder, &format!("'o.path'='/dev/full','o.format'='json'{settings}")).expect(1).err;
        match told {
            Some(told) => assert!(err.contains(told), "{settings}: {err}"),
            None => assert!(!err.contains("try 1"), "{settings}: {err}"),
        }
    }
}

#[test]
fn a_file_of_a_sink_begins_with_another() {
    let folder = folder();
    folder.write("base.yaml", "type: file\nformat: csv\n");
    folder.write("o.yaml", "extends: base.yaml\npath: o.data\n");
    let sql = "SELECT id, n FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.config_file'='o.yaml')";
    folder.sql(sql).expect(0);
    assert_eq!(first_line(&folder, "o.data"), "id,n");
    folder.write("o.yaml", "type: file\npath: o.data\n");
    folder.sql(sql).expect(0);
    assert_eq!(first_line(&folder, "o.data"), "{\"id\":0,\"n\":\"x0\"}");
}
