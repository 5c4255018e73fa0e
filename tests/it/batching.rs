//! The four batching strategies seen from outside: one file per batch.

use crate::velo::Folder;

/// Rows of each batch of a run over 1,200 rows that are there at once.
fn batches(settings: &str) -> Vec<usize> {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..1200).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    folder.sql(&format!("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o/{{batch_id}}.jsonl','execution.mode'='stream',{settings})")).expect(0);
    let mut files: Vec<(usize, usize)> = folder
        .list("o")
        .iter()
        .map(|file| (file.trim_start_matches("o/").trim_end_matches(".jsonl").parse().unwrap(), folder.read(file).lines().count()))
        .collect();
    files.sort_unstable();
    files.into_iter().map(|(_, rows)| rows).collect()
}

#[test]
fn fixed_size_cuts_at_rows() {
    for spelling in ["'batch.strategy'='fixed_size','batch.size'='500'", "'batch.strategy'='FixedSize','max_batch_size'='500'", "'batch_size'='500'"] {
        assert_eq!(batches(spelling), [500, 500, 200], "{spelling}");
    }
}

#[test]
fn memory_based_cuts_at_bytes() {
    // Lines have 10 to 13 bytes.
    let found = batches("'batch.strategy'='memory_based','batch.memory_size'='4KB'");
    assert!(found.len() >= 3 && found[..found.len() - 1].iter().all(|rows| (280..=420).contains(rows)), "{found:?}");
}

#[test]
fn low_latency_cuts_small() {
    let found = batches("'batch.strategy'='low_latency','batch.low_latency_max_size'='5','batch.low_latency_wait'='10ms','batch.eager_processing'='true'");
    assert!(found.iter().all(|rows| *rows <= 5) && found.iter().sum::<usize>() == 1200, "{found:?}");
}

#[test]
fn adaptive_size_stays_in_its_range() {
    let found = batches("'batch.strategy'='adaptive_size','batch.min_size'='100','batch.adaptive_max_size'='400','batch.target_latency'='200ms'");
    let (last, full) = found.split_last().unwrap();
    assert!(full.iter().all(|rows| (100..=400).contains(rows)) && *last <= 400, "{found:?}");
    assert!(full[full.len() - 1] > full[0], "fast batches grow: {found:?}");
}

#[test]
fn batches_can_be_turned_off() {
    let found = batches("'batch.enable'='false'");
    assert!(found.len() == 1200 && found.iter().all(|rows| *rows == 1));
}

#[test]
fn a_batch_as_large_as_the_buffer_fills_without_waiting() {
    let folder = Folder::new();
    folder.write("a.jsonl", (0..200_000).map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>());
    let began = std::time::Instant::now();
    folder
        .sql("SELECT id FROM a INTO o WITH ('a.type'='file','a.path'='a.jsonl','o.type'='file','o.path'='o.jsonl','execution.mode'='stream','batch.strategy'='fixed_size','batch.size'='32768','batch.timeout'='60s','source.buffer_size'='32768')")
        .expect(0);
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_key_that_changes_nothing_gets_a_warning() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"id\":1}\n");
    folder.write("t.jsonl", "{\"id\":1}\n");
    let warnings = |settings: &str| {
        let sql = format!(
            "SELECT a.id FROM a JOIN t ON a.id = t.id WITH ('a.type'='file','a.path'='a.jsonl','t.type'='file','t.path'='t.jsonl','execution.mode'='stream',{settings})"
        );
        folder.sql(&sql).expect(0).err
    };
    for (settings, told) in [
        ("'batch.target_latency'='1s'", "'batch.target_latency' has no effect without 'batch.strategy' = 'adaptive_size'"),
        ("'batch.enable'='false','batch.size'='5'", "'batch.size' has no effect, since 'batch.enable' is false"),
        ("'t.batch.size'='5'", "'t.batch.…' has no effect: 't' is a table here"),
    ] {
        let err = warnings(settings);
        assert!(err.contains(told), "{settings}: {err}");
    }
    let used = warnings("'batch.strategy'='low_latency','batch.low_latency_wait'='1ms','a.batch.size'='5'");
    assert!(!used.contains("no effect"), "{used}");
}
