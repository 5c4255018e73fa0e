//! Single rows and operators that need much.

use super::{ran, refused};
use crate::velo::Folder;

fn numbers(count: usize) -> String {
    (0..count).fold("id\n".to_owned(), |text, id| text + &format!("{id}\n"))
}

#[test]
fn long_lists_are_made_and_unnested_a_few_at_a_time() {
    let folder = Folder::new();
    folder.write("n.csv", numbers(300));
    for mode in ["stream", "batch"] {
        let sql = |what: &str| {
            format!(
                "SELECT {what} FROM n WITH ('n.type'='file','n.path'='n.csv','n.follow'='false','memory.limit'='64MB','failure_strategy'='LogAndContinue','execution.mode'='{mode}')"
            )
        };
        let unnested = ran(&folder, &sql("id, unnest(range(0, 20000)) AS u"));
        assert!(unnested.ok && unnested.lines == 6_000_000, "{mode}: {} {}", unnested.lines, unnested.err);
        assert!(unnested.peak < 120, "{mode}: {} MB", unnested.peak);
        let texts = ran(&folder, &sql("id, repeat('x', 500000) AS x"));
        assert!(texts.ok && texts.lines == 300, "{mode}: {}", texts.err);
        assert!(texts.peak < 240, "{mode}: {} MB", texts.peak);
    }
}

#[test]
fn rows_that_a_window_keeps_are_counted() {
    let folder = Folder::new();
    let text = "y".repeat(1000);
    folder.write("t.jsonl", (0..100_000).map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n")).collect::<String>());
    let sql = |limit: &str| {
        format!("SELECT id, text, sum(id) OVER () AS s FROM t WITH ('t.type'='file','t.path'='t.jsonl','execution.mode'='batch','memory.limit'='{limit}')")
    };
    let failed = ran(&folder, &sql("64MB"));
    assert!(refused(&failed, "64MB") && failed.peak < 240, "{} MB, {}", failed.peak, failed.err);
    let fits = ran(&folder, &sql("300MB"));
    assert!(fits.ok && fits.lines == 100_000, "{}", fits.err);
}

#[test]
fn long_texts_of_a_parquet_file_stream_within_a_narrow_limit() {
    let folder = Folder::new();
    let text = |id: usize| format!("row {} ", id % 500).repeat(700)[..4000].to_owned();
    folder.write("t.jsonl", (0..20_000).map(|id| format!("{{\"id\":{id},\"text\":\"{}\"}}\n", text(id))).collect::<String>());
    let made = ran(
        &folder,
        "SELECT id, text FROM t INTO o WITH ('t.type'='file','t.path'='t.jsonl','execution.mode'='batch','o.type'='file','o.path'='o.parquet','o.format'='parquet')",
    );
    assert!(made.ok, "{}", made.err);
    let streamed = ran(
        &folder,
        "SELECT id, upper(text) AS u FROM o WITH ('o.type'='file','o.path'='o.parquet','o.follow'='false','execution.mode'='stream','memory.limit'='64MB')",
    );
    assert!(streamed.ok && streamed.lines == 20_000, "{}", streamed.err);
    assert!(streamed.peak < 125, "{} MB", streamed.peak);
}
