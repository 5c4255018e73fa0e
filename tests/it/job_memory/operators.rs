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

#[test]
fn texts_of_any_length_are_decoded_a_few_at_a_time() {
    let folder = Folder::new();
    let text = |id: usize| format!("{id} ").repeat(1000)[..1000].to_owned();
    folder.write("t.jsonl", (0..2000).map(|id| format!("{{\"id\":{id},\"text\":\"{}\"}}\n", text(id))).collect::<String>());
    for format in ["parquet", "avro"] {
        let made = ran(
            &folder,
            &format!(
                "SELECT id, repeat(text, 100) AS text FROM t INTO o WITH ('t.type'='file','t.path'='t.jsonl','execution.mode'='batch','o.type'='file','o.path'='o.{format}','o.format'='{format}')"
            ),
        );
        assert!(made.ok, "{}", made.err);
        for mode in ["stream", "batch"] {
            let sql = format!(
                "SELECT id, length(text) AS n FROM o WITH ('o.type'='file','o.path'='o.{format}','o.follow'='false','execution.mode'='{mode}','memory.limit'='64MB')"
            );
            let read = ran(&folder, &sql);
            assert!(read.ok && read.lines == 2000, "{format}, {mode}: {}", read.err);
            assert!(read.peak < 150, "{format}, {mode}: {} MB", read.peak);
        }
    }
}

#[test]
fn long_texts_are_sorted_within_the_limit() {
    let folder = Folder::new();
    // Texts that differ early, so that a merge takes rows from all its inputs.
    let rows = |count: u64, size: usize| -> String {
        (0..count).map(|at| (at * 7919) % count).map(|id| format!("{{\"id\":{id},\"text\":\"{id:07}{}\"}}\n", "y".repeat(size))).collect()
    };
    folder.write("long.jsonl", rows(150_000, 1000));
    folder.write("longer.jsonl", rows(3000, 40_000));
    for (file, key, count) in [("long", "id", 150_000), ("longer", "upper(text) DESC, id", 3000)] {
        let sql =
            format!("SELECT id, text FROM t ORDER BY {key} WITH ('t.type'='file','t.path'='{file}.jsonl','memory.limit'='64MB','execution.mode'='batch')");
        let ran = ran(&folder, &sql);
        assert!(ran.ok && ran.lines == count, "{file} by {key}: {}", ran.err);
        // The program itself takes some 80 MB of an unoptimised build.
        assert!(ran.peak < 180, "{file} by {key}: {} MB", ran.peak);
    }
}

#[test]
fn a_limit_changes_nothing_about_an_order() {
    let folder = Folder::new();
    let row = |id: usize| match id % 3 {
        0 => format!("{{\"id\":{id},\"text\":null,\"tags\":[\"a text of more than twelve bytes\",null],\"at\":{{\"place\":\"B{}\"}}}}\n", id % 5),
        1 => format!("{{\"id\":{id},\"text\":\"tExt{}\",\"tags\":[\"b\"],\"at\":null}}\n", id * 31 % 17),
        _ => format!("{{\"id\":{id},\"text\":\"a text of more than twelve bytes, {}\",\"tags\":null,\"at\":{{\"place\":null}}}}\n", id * 7 % 11),
    };
    folder.write("t.jsonl", (0..3000).map(row).collect::<String>());
    let order = |key: &str, more: &str| {
        let sql = format!("SELECT id, text, tags, at FROM t ORDER BY {key} WITH ('t.type'='file','t.path'='t.jsonl','execution.mode'='batch'{more})");
        folder.run(&["--quiet", "--sql", &sql]).expect(0).out
    };
    for key in ["text, id", "text DESC NULLS LAST, id DESC", "lower(text) || 'x', id", "tags[1], at['place'] DESC, id", "tags, id", "length(text), id"] {
        let ordered = order(key, "");
        assert_eq!(ordered.lines().count(), 3000);
        assert!(order(key, ",'memory.limit'='64MB'") == ordered, "{key}");
    }
}

#[test]
fn texts_of_lists_are_counted() {
    let folder = Folder::new();
    let text = "y".repeat(1000);
    folder.write("t.jsonl", (0..100_000).map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n")).collect::<String>());
    let sql = |query: &str, limit: &str| format!("{query} WITH ('t.type'='file','t.path'='t.jsonl','execution.mode'='batch','memory.limit'='{limit}')");
    for query in ["SELECT cardinality(array_agg(text)) AS n FROM t", "SELECT id % 10 AS k, cardinality(array_agg(text)) AS n FROM t GROUP BY id % 10"] {
        let failed = ran(&folder, &sql(query, "64MB"));
        assert!(refused(&failed, "64MB") && failed.peak < 180, "{query}: {} MB, {}", failed.peak, failed.err);
        assert!(ran(&folder, &sql(query, "900MB")).ok, "{query}");
    }
    // A few rows of each batch don't keep the others, nor do they while a sort looks how long they are.
    for list in ["array_agg(text)", "array_agg(text ORDER BY id)"] {
        let few = ran(&folder, &sql(&format!("SELECT cardinality({list}) AS n FROM t WHERE id % 1000 = 7"), "64MB"));
        assert!(few.ok && few.lines == 1 && few.peak < 140, "{list}: {} MB, {}", few.peak, few.err);
    }
}

#[test]
fn rows_of_many_columns_are_read_within_a_narrow_limit_however_short_they_are() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"c0\":1}\n".repeat(30_000));
    let columns: Vec<String> = (0..1_000).map(|column| format!("c{column} BIGINT")).collect();
    for mode in ["stream", "batch"] {
        let sql = format!(
            "SELECT * FROM t INTO o WITH ('t.type'='file','t.path'='t.jsonl','t.schema'='{}','memory.limit'='64MB','execution.mode'='{mode}','o.type'='file','o.path'='{mode}.jsonl.gz')",
            columns.join(",")
        );
        let ran = ran(&folder, &sql);
        assert!(ran.ok && ran.peak < 220, "{mode}: {} MB {}", ran.peak, ran.err);
    }
}

#[test]
fn values_of_any_size_are_not_made() {
    let folder = Folder::new();
    folder.write("n.csv", numbers(3));
    let sql = |what: &str, more: &str| {
        format!("SELECT {what} AS x FROM n WITH ('n.type'='file','n.path'='n.csv','n.follow'='false','execution.mode'='stream','memory.limit'='64MB'{more})")
    };
    for (what, function) in [
        ("cardinality(range(0, 200000000 + id))", "range"),
        ("length(repeat('x', 1000000000 + id))", "repeat"),
        ("length(lpad('x', 1000000000 + id, 'y'))", "lpad"),
        ("cardinality(array_repeat(id, 500000000 + id))", "array_repeat"),
        ("cardinality(generate_series(id, 900000000))", "generate_series"),
    ] {
        let failed = ran(&folder, &sql(what, ""));
        assert!(!failed.ok && failed.peak < 160, "{what}: {} MB", failed.peak);
        assert!(
            failed.err.contains(&format!("{function}() would make ")) && failed.err.contains("no more than 67 MB are made at once"),
            "{what}: {}",
            failed.err
        );
        let skipped = ran(&folder, &sql(&format!("CASE WHEN id = 1 THEN {what} ELSE id END"), ",'failure_strategy'='LogAndContinue'"));
        assert!(skipped.ok && skipped.lines == 2, "{what}: {} {}", skipped.lines, skipped.err);
    }
    // Those that fit by themselves are made one by one.
    let fits = ran(&folder, &sql("length(repeat('x', 50000000 + id))", ""));
    assert!(fits.ok && fits.lines == 3, "{}", fits.err);
}
