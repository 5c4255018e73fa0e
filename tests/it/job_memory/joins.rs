//! Tables, and joins with many partners.

use super::{ran, refused};
use crate::velo::Folder;

fn numbers(count: usize) -> String {
    (0..count).fold("id,one\n".to_owned(), |text, id| text + &format!("{id},1\n"))
}

#[test]
fn rows_with_many_partners_need_no_memory_for_all_of_them() {
    let folder = Folder::new();
    folder.write("a.csv", numbers(2000));
    folder.write("b.csv", numbers(3000));
    let files = "'a.type'='file','a.path'='a.csv','a.follow'='false','b.type'='file','b.path'='b.csv','b.follow'='false'";
    for mode in ["stream", "batch"] {
        let sql = format!(
            "SELECT a.id, b.id AS other FROM a JOIN b ON a.one = b.one WITH ({files},'memory.limit'='64MB','failure_strategy'='LogAndContinue','execution.mode'='{mode}')"
        );
        let ran = ran(&folder, &sql);
        assert!(ran.ok && ran.lines == 6_000_000, "{mode}: {} {}", ran.lines, ran.err);
        assert!(ran.peak < 140, "{mode}: {} MB", ran.peak);
    }
    // The results of a job that a bad row would stop are kept until their batch is through.
    let sql = format!(
        "SELECT a.id, b.id AS other FROM a JOIN b ON a.one = b.one WITH ({files},'memory.limit'='20MB','failure_strategy'='FailBatch','execution.mode'='stream')"
    );
    let failed = ran(&folder, &sql);
    assert!(refused(&failed, "20MB") && failed.peak < 140, "{} MB, {}", failed.peak, failed.err);
}

#[test]
fn a_table_counts_for_what_it_holds() {
    let folder = Folder::new();
    folder.write("s.csv", numbers(1000));
    let text = "y".repeat(90);
    folder.write("t.jsonl", (0..150_000).map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n")).collect::<String>());
    let ran = ran(
        &folder,
        "SELECT s.id, length(t.text) AS n FROM s JOIN t ON s.id = t.id WITH ('s.type'='file','s.path'='s.csv','s.follow'='false','t.type'='file','t.path'='t.jsonl','execution.mode'='stream','memory.limit'='64MB')",
    );
    assert!(ran.ok && ran.lines == 1000, "{}", ran.err);
}

#[test]
fn a_source_of_several_tables_is_counted_while_it_waits() {
    let folder = Folder::new();
    folder.write("s.csv", numbers(1000));
    let text = "y".repeat(1000);
    folder.write("t.jsonl", (0..60_000).map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n")).collect::<String>());
    let sql = |limit: &str| {
        format!(
            "SELECT s.id, length(t.text) AS n, length(u.text) AS m FROM s JOIN t ON s.id = t.id JOIN t AS u ON s.id = u.id WHERE t.id < 100 AND u.id < 10 WITH ('s.type'='file','s.path'='s.csv','s.follow'='false','t.type'='file','t.path'='t.jsonl','execution.mode'='stream','memory.limit'='{limit}')"
        )
    };
    let failed = ran(&folder, &sql("30MB"));
    assert!(refused(&failed, "30MB") && failed.err.contains("rows of 't'"), "{}", failed.err);
    let fits = ran(&folder, &sql("90MB"));
    assert!(fits.ok && fits.lines == 10, "{}", fits.err);
}
