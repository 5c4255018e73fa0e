//! Standard input and named pipes.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::velo::{Folder, binary, eventually};

#[test]
fn columns_of_standard_input_are_inferred_and_no_record_is_lost() {
    let folder = Folder::new();
    let sql = "SELECT id + 1 AS next, name FROM t WITH ('t.type'='file','t.path'='-','t.format'='jsonlines')";
    let input = (0..3000).map(|id| format!("{{\"id\":{id},\"name\":\"n\"}}\n")).collect::<String>();
    let ran = folder.run_with(&["--quiet", "--sql", sql], &[], input.as_bytes()).expect(0);
    assert_eq!(ran.out, (1..=3000).map(|id| format!("{{\"next\":{id},\"name\":\"n\"}}\n")).collect::<String>());
    let csv = "SELECT * FROM t WITH ('t.type'='file','t.path'='-','t.format'='csv')";
    assert_eq!(folder.run_with(&["--quiet", "--sql", csv], &[], b"a,b\n1,x").expect(0).out, "{\"a\":1,\"b\":\"x\"}\n");
    let nothing = folder.run_with(&["--sql", sql], &[], b"").expect(2);
    assert!(nothing.err.contains("'t' has no record yet to infer columns from"), "{}", nothing.err);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(input.as_bytes()).unwrap();
    let packed = "SELECT count(*) AS n FROM t WITH ('t.type'='file','t.path'='-','t.format'='jsonlines','t.compression'='gzip','t.until'='latest')";
    assert_eq!(folder.run_with(&["--quiet", "--sql", packed], &[], &encoder.finish().unwrap()).expect(0).out, "{\"n\":3000}\n");
}

#[test]
fn standard_input_is_not_waited_for_once_a_record_is_there() {
    let folder = Folder::new();
    let sql = "SELECT id FROM t LIMIT 2 WITH ('t.type'='file','t.path'='-','t.format'='jsonlines')";
    let mut child = folder.command(&["--quiet", "--sql", sql]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{\"id\":1}\n{\"id\":2}\n").unwrap();
    // It ends by the limit, though the input goes on.
    let out = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "{\"id\":1}\n{\"id\":2}\n");
    drop(input);
}

#[test]
fn standard_input_is_for_one_source() {
    let folder = Folder::new();
    folder.write(
        "s.sql",
        "CREATE STREAM x AS SELECT id FROM t WITH ('t.type'='file','t.path'='-'); CREATE STREAM y AS SELECT id FROM u WITH ('u.type'='file','u.path'='-')",
    );
    let ran = folder.run_with(&["run", "s.sql"], &[], b"{\"id\":1}\n").expect(2);
    assert!(ran.err.contains("standard input can be read by one source only"), "{}", ran.err);
}

#[test]
fn named_pipes_are_read_once() {
    let folder = Folder::new();
    for (schema, until, select) in [
        ("", "", "id"),
        (",'t.schema'='id BIGINT'", "", "id"),
        ("", ",'t.until'='latest'", "count(*) AS id"),
        (",'t.schema'='id BIGINT'", ",'t.until'='latest'", "count(*) AS id"),
    ] {
        let sql = format!("SELECT {select} FROM t WITH ('t.type'='file','t.path'='$0','t.format'='jsonlines'{schema}{until})").replace('$', "\\$");
        let script = format!("f() {{ {} --quiet --sql \"{}\"; }}; f <(printf '{{\"id\":1}}\\n{{\"id\":2}}\\n')", binary().display(), sql.replace("\\$0", "$1"));
        let ran = Command::new("timeout").args(["30", "bash", "-c", &script]).current_dir(folder.path()).output().unwrap();
        let expected = if until.is_empty() { "{\"id\":1}\n{\"id\":2}\n" } else { "{\"id\":2}\n" };
        assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn a_slow_reader_of_large_rows_holds_back_the_source() {
    let folder = Folder::new();
    let sql = "SELECT id, text FROM t WITH ('t.type'='file','t.path'='-','t.format'='jsonlines','t.schema'='id BIGINT, text TEXT')";
    // It has to stop taking rows long before it has 400 MB of them.
    let megabytes = megabytes_taken_without_a_reader(&folder, sql, 12_500, 32_000);
    assert!(megabytes < 150, "{megabytes} MB of rows wait");
}

/// Megabytes of rows that a statement takes from standard input until it waits, while nobody reads its output; of `rows` rows with a text of `length` bytes.
pub fn megabytes_taken_without_a_reader(folder: &Folder, sql: &str, rows: usize, length: usize) -> usize {
    let mut child = folder.command(&["--quiet", "--sql", sql]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let writer = std::thread::spawn(move || {
        let text = "x".repeat(length);
        for id in 0..rows {
            if input.write_all(format!("{{\"id\":{id},\"text\":\"{text}\"}}\n").as_bytes()).is_err() {
                break;
            }
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let before = AtomicUsize::new(0);
    eventually("it stops", || {
        let now = taken.load(Ordering::Relaxed);
        let stopped = now > 0 && now == before.swap(now, Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_secs(1));
        stopped
    });
    let taken = taken.load(Ordering::Relaxed);
    assert!(child.try_wait().unwrap().is_none(), "it waits, and does not fail");
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
    taken * length / 1_000_000
}
