//! Followed files: rotation, truncation, many files, folders that go away, compressed files.

use std::io::Write;
use std::time::Duration;

use crate::velo::{Folder, Started, eventually};

fn sql(path: &str) -> String {
    format!(
        "SELECT id FROM t INTO o WITH ('t.type'='file','t.path'='{path}','t.format'='jsonlines','t.follow'='true','t.follow.interval'='20ms','t.schema'='id BIGINT','o.type'='file','o.path'='o.jsonl')"
    )
}

fn lines(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

fn append(folder: &Folder, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn has(folder: &Folder, id: u32) -> bool {
    folder.exists("o.jsonl") && folder.read("o.jsonl").contains(&format!("{{\"id\":{id}}}\n"))
}

fn stop(mut job: Started) {
    // What is read twice would come now.
    std::thread::sleep(Duration::from_millis(300));
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
}

#[test]
fn a_rotated_file_goes_on_under_its_new_name() {
    let folder = Folder::new();
    let rename = |from: &str, to: &str| std::fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
    folder.write("app.log", lines(0..3));
    let job = folder.start(&["--sql", &sql("app.log*")]);
    eventually("the first rows", || has(&folder, 2));
    rename("app.log", "app.log.1");
    append(&folder, "app.log.1", &lines(3..4));
    append(&folder, "app.log", &lines(4..6));
    eventually("the rows of both", || has(&folder, 3) && has(&folder, 5));
    // A whole chain between two looks.
    rename("app.log.1", "app.log.2");
    rename("app.log", "app.log.1");
    append(&folder, "app.log", &lines(6..8));
    eventually("the rows of the third", || has(&folder, 7));
    // A compressed copy is no new file.
    std::fs::write(folder.path().join("app.log.2.gz"), gzip(&folder.read("app.log.2"))).unwrap();
    std::fs::remove_file(folder.path().join("app.log.2")).unwrap();
    append(&folder, "app.log", &lines(8..9));
    eventually("the last row", || has(&folder, 8));
    stop(job);
    let mut found: Vec<String> = folder.read("o.jsonl").lines().map(str::to_owned).collect();
    found.sort();
    assert_eq!(found.join("\n") + "\n", lines(0..9));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_file_that_is_written_anew_is_read_anew_even_if_it_is_not_shorter() {
    let folder = Folder::new();
    folder.write("log.jsonl", lines(10..13));
    let job = folder.start(&["--sql", &sql("log.jsonl")]);
    eventually("the first rows", || has(&folder, 12));
    std::thread::sleep(Duration::from_millis(100));
    folder.write("log.jsonl", lines(20..23));
    eventually("rows of the same size", || has(&folder, 22));
    std::thread::sleep(Duration::from_millis(100));
    folder.write("log.jsonl", lines(30..39));
    eventually("more rows", || has(&folder, 38));
    stop(job);
    assert_eq!(folder.read("o.jsonl"), lines(10..13) + &lines(20..23) + &lines(30..39));
}

#[test]
fn many_files_need_few_descriptors() {
    let folder = Folder::new();
    for number in 0..150 {
        folder.write(&format!("in/{number:03}.jsonl"), lines(number * 10..number * 10 + 2));
    }
    let script = format!("ulimit -n 110; exec {} --sql \"$0\"", crate::velo::binary().display());
    let mut child = std::process::Command::new("sh")
        .args(["-c", &script, &sql("in")])
        .current_dir(folder.path())
        .stderr(std::fs::File::create(folder.path().join("err")).unwrap())
        .spawn()
        .unwrap();
    eventually("the last file", || has(&folder, 1491));
    for number in 0..150 {
        append(&folder, &format!("in/{number:03}.jsonl"), &lines(number * 10 + 2..number * 10 + 4));
    }
    eventually("what was appended", || (0..150).all(|number| has(&folder, number * 10 + 3)));
    // SAFETY: the process is our child and has not been waited for.
    unsafe { libc::kill(i32::try_from(child.id()).unwrap(), libc::SIGTERM) };
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", folder.read("err"));
    assert_eq!(folder.read("o.jsonl").lines().count(), 600);
}

#[test]
fn a_folder_that_goes_away_is_waited_for() {
    let folder = Folder::new();
    folder.write("in/a.jsonl", lines(0..2));
    let job = folder.start(&["--sql", &sql("in")]);
    eventually("the first rows", || has(&folder, 1));
    std::fs::remove_dir_all(folder.path().join("in")).unwrap();
    eventually("a word about it", || job.log().contains("in is gone; waiting"));
    std::thread::sleep(Duration::from_millis(100));
    folder.write("in/b.jsonl", lines(5..7));
    eventually("the rows of the new folder", || has(&folder, 6));
    stop(job);
    assert_eq!(folder.read("o.jsonl"), lines(0..2) + &lines(5..7));
}

#[test]
fn compressed_files_are_read_when_they_are_there() {
    let folder = Folder::new();
    folder.write("in/a.jsonl", lines(0..2));
    folder.write("in/b.jsonl.gz", gzip(&lines(2..4)));
    let job = folder.start(&["--sql", &sql("in")]);
    eventually("both files", || has(&folder, 1) && has(&folder, 3));
    folder.write("c.gz", gzip(&lines(4..6)));
    std::fs::rename(folder.path().join("c.gz"), folder.path().join("in/c.jsonl.gz")).unwrap();
    eventually("the file that came", || has(&folder, 5));
    stop(job);
    assert_eq!(folder.read("o.jsonl").lines().count(), 6);
}

#[test]
fn partition_folders_are_followed() {
    let folder = Folder::new();
    folder.write("lake/day=1/a.jsonl", lines(0..1));
    let sql =
        "SELECT id, day FROM t INTO o WITH ('t.type'='file','t.path'='lake','t.follow'='true','t.follow.interval'='20ms','t.failure_strategy'='LogAndContinue',
        't.schema'='id BIGINT, day INT','o.type'='file','o.path'='o.jsonl')";
    let job = folder.start(&["--sql", sql]);
    let has = |text: &str| folder.exists("o.jsonl") && folder.read("o.jsonl").contains(text);
    eventually("the first row", || has("{\"id\":0,\"day\":1}"));
    folder.write("lake/day=2/b.jsonl", lines(1..2));
    folder.write("lake/day=x/c.jsonl", lines(9..10));
    eventually("the row of the new folder", || has("{\"id\":1,\"day\":2}"));
    eventually("a word about the other", || job.log().contains("c.jsonl, line 1: the folder of column 'day': \"x\" is not INT; the file is left out"));
    stop(job);
    assert_eq!(folder.read("o.jsonl").lines().count(), 2);
}

#[test]
fn a_stream_goes_on_while_its_table_can_not_be_loaded_again() {
    let folder = Folder::new();
    folder.write("s.jsonl", "");
    folder.write("t.jsonl", "{\"id\":1,\"name\":\"Ada\"}\n");
    let sql = "SELECT s.n, t.name FROM s JOIN t ON s.id = t.id INTO o WITH ('s.type'='file','s.path'='s.jsonl','s.follow'='true','s.follow.interval'='10ms','s.schema'='n BIGINT, id BIGINT',
        't.type'='file','t.path'='t.jsonl','t.schema'='id BIGINT, name VARCHAR','t.refresh_interval'='50ms','o.type'='file','o.path'='o.jsonl')";
    let mut job = folder.start(&["--sql", sql]);
    eventually("the job runs", || folder.exists("o.jsonl"));
    let append = |n: u32| {
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.path().join("s.jsonl")).unwrap();
        std::io::Write::write_all(&mut file, format!("{{\"n\":{n},\"id\":1}}\n").as_bytes()).unwrap();
    };
    append(0);
    eventually("the first row", || folder.read("o.jsonl").lines().count() == 1);
    std::fs::remove_file(folder.path().join("t.jsonl")).unwrap();
    // The table is tried again for seven seconds; that is nobody else's business.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let began = std::time::Instant::now();
    for n in 1..=5 {
        append(n);
        eventually("the row", || folder.read("o.jsonl").lines().count() == n as usize + 1);
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
    folder.write("t.jsonl", "{\"id\":1,\"name\":\"Bob\"}\n");
    eventually("the new version", || {
        append(9);
        std::thread::sleep(std::time::Duration::from_millis(200));
        folder.read("o.jsonl").contains("Bob")
    });
    let began = std::time::Instant::now();
    job.signal(libc::SIGTERM);
    assert_eq!(job.wait(), 0, "{}", job.log());
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
}
