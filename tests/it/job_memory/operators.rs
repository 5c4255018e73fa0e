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
