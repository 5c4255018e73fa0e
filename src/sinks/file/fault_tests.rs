//! What a sink replaces, what it loses, and what stays when something fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::executor::block_on;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::tests::{HOUR, START, files, ids, open, rows, sink};
use super::writer::FileWriter;
use crate::clock::EpochClock;
use crate::stream::{DataSink, DataWriter};

fn clock() -> Arc<EpochClock> {
    Arc::new(EpochClock::at(START))
}

/// Writes one epoch.
fn write(writer: &mut dyn DataWriter, epoch: u64, batch: &RecordBatch) {
    block_on(writer.write(epoch, batch)).expect("written");
    block_on(writer.end_epoch(epoch)).expect("ended");
}

fn parquet_rows(file: &Path) -> usize {
    let file = std::fs::File::open(file).expect("a file");
    ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").metadata().file_metadata().num_rows() as usize
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

fn put(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, "{\"id\":99}\n").expect("a file");
    }
}

fn partitioned_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("d", DataType::Utf8, true), Field::new("id", DataType::Int64, false), Field::new("pad", DataType::Utf8, false)]))
}

/// `count` rows for each of the days `0..days`.
fn days(days: usize, count: usize, pad: &str) -> RecordBatch {
    let day: StringArray = (0..days * count).map(|row| Some(format!("d{}", row % days))).collect();
    let id = Int64Array::from_iter_values(0..(days * count) as i64);
    let pad: StringArray = (0..days * count).map(|row| Some(if pad == NOISE { noise(500) } else { format!("{row}{pad}") })).collect();
    RecordBatch::try_new(partitioned_schema(), vec![Arc::new(day), Arc::new(id), Arc::new(pad)]).expect("three columns")
}

const NOISE: &str = "noise";

/// A text that no compression makes shorter.
fn noise(length: usize) -> String {
    (0..length).map(|_| char::from(rand::random_range(b' '..b'~'))).collect()
}

fn partitioned(path: &Path, format: &str, more: &[(&str, &str)]) -> FileWriter {
    let path = path.to_string_lossy().into_owned();
    let mut settings = vec![("path", path.as_str()), ("format", format), ("partition_columns", "d")];
    settings.extend(more);
    sink(&settings).writer(&partitioned_schema(), clock(), u64::MAX).expect("a folder that can be written")
}

#[test]
fn only_the_files_of_the_same_name_are_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = ["x-2024-01-05.jsonl", "x-2023-report-final.jsonl", "x-0001.jsonl.bak", "x_2024-01-04-0001.jsonl", "x_2024-01-04-0002.jsonl"];
    put(folder.path(), &foreign);
    put(folder.path(), &["x-0001.jsonl", "x-0002.jsonl", "x-10000.jsonl", "x_2024-01-05-0001.jsonl", "x_2024-01-05-0002.jsonl"]);
    for name in ["x.jsonl", "x_{date}.jsonl"] {
        let path = folder.path().join(name).to_string_lossy().into_owned();
        let mut writer = open(&sink(&[("path", &path), ("roll.size", "1MB"), ("max_files", "1")]), &clock());
        write(writer.as_mut(), 1, &rows(0, 3));
        block_on(writer.close()).expect("closed");
    }
    // max_files = 1 reaches over the days of a sink, and no further.
    let kept = names(folder.path());
    assert_eq!(kept, ["x-0001.jsonl", "x-0001.jsonl.bak", "x-2023-report-final.jsonl", "x-2024-01-05.jsonl", "x_2024-01-05-0001.jsonl"]);
}

#[test]
fn other_days_stay_and_every_day_counts_from_one() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), &["x_2024-01-04-0001.jsonl", "x_2024-01-04-0002.jsonl", "x_2024-01-05-0007.jsonl"]);
    let path = folder.path().join("x_{date}.jsonl").to_string_lossy().into_owned();
    let clock = clock();
    let mut writer = open(&sink(&[("path", &path), ("roll.interval", "1h")]), &clock);
    write(writer.as_mut(), 1, &rows(0, 3));
    clock.advance(START + 24 * HOUR);
    write(writer.as_mut(), 2, &rows(3, 3));
    block_on(writer.close()).expect("closed");
    drop(writer);
    assert_eq!(names(folder.path()), ["x_2024-01-04-0001.jsonl", "x_2024-01-04-0002.jsonl", "x_2024-01-05-0001.jsonl", "x_2024-01-06-0001.jsonl"]);
}

#[test]
fn what_was_there_stays_until_the_new_files_are_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("o.parquet").to_string_lossy().into_owned();
    put(folder.path(), &["o-0001.parquet", "o-0002.parquet", "o-0009.parquet"]);
    let sink = sink(&[("path", &path), ("roll.size", "100"), ("max_files", "2")]);
    let mut writer = open(&sink, &clock());
    for batch in 0..5 {
        // A batch that fails: its epoch does not end.
        block_on(writer.write(1, &rows(batch * 500, 500))).expect("written");
    }
    drop(writer);
    assert_eq!(names(folder.path()), ["o-0001.parquet", "o-0002.parquet", "o-0009.parquet"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("o-0001.parquet")).expect("a file"), "{\"id\":99}\n");
    let mut writer = open(&sink, &clock());
    for batch in 0..5 {
        block_on(writer.write(1, &rows(batch * 500, 500))).expect("written");
    }
    block_on(writer.end_epoch(1)).expect("ended");
    block_on(writer.close()).expect("closed");
    assert_eq!(names(folder.path()), [".o.parquet.lock", "o-0004.parquet", "o-0005.parquet"]);
    drop(writer);
    assert_eq!(names(folder.path()), ["o-0004.parquet", "o-0005.parquet"]);
    // A result without rows replaces, too.
    let mut writer = open(&sink, &clock());
    block_on(writer.end_epoch(1)).expect("ended");
    block_on(writer.close()).expect("closed");
    drop(writer);
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn partitions_of_earlier_runs_are_replaced_and_foreign_files_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["json", "parquet"] {
        let lake = folder.path().join(format);
        let suffix = if format == "json" { "jsonl" } else { format };
        let old = |path: &str| format!("{path}.{suffix}");
        let stale = [old("d=old/part-0001"), old("d=old/part-0002"), old("d=mixed/part-0001"), old("d=d0/part-0003")];
        let foreign = [old("d=mixed/part-of-me"), old("e=1/part-0001"), old("d=old2/x/part-0001"), old("part-0001")];
        put(&lake, &stale.iter().chain(&foreign).map(String::as_str).collect::<Vec<_>>());
        let mut failing = partitioned(&lake, "parquet", &[]);
        block_on(failing.write(1, &days(2, 3, ""))).expect("written");
        drop(failing);
        assert!(stale.iter().all(|path| lake.join(path).exists()), "{format}");
        let mut writer = partitioned(&lake, format, &[]);
        write(&mut writer, 1, &days(2, 3, ""));
        block_on(writer.close()).expect("closed");
        drop(writer);
        assert!(foreign.iter().all(|path| lake.join(path).exists()), "{format}");
        assert!(stale.iter().all(|path| !lake.join(path).exists()), "{format}");
        assert!(!lake.join("d=old").exists(), "no folder without rows");
        assert!(lake.join(old("d=d0/part-0001")).exists() && lake.join(old("d=d1/part-0001")).exists());
    }
    let lake = folder.path().join("parquet");
    let mut writer = partitioned(&lake, "parquet", &[("append", "true")]);
    write(&mut writer, 1, &days(1, 3, ""));
    block_on(writer.close()).expect("closed");
    assert_eq!(names(&lake.join("d=d0")), ["part-0001.parquet", "part-0002.parquet"]);
    assert_eq!(names(&lake.join("d=d1")), ["part-0001.parquet"]);
}

#[test]
fn the_folder_of_partitions_may_have_placeholders() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = partitioned(&folder.path().join("{date}"), "json", &[]);
    write(&mut writer, 1, &days(1, 3, ""));
    block_on(writer.close()).expect("closed");
    drop(writer);
    assert_eq!(names(folder.path()), ["2024-01-05"]);
    assert_eq!(names(&folder.path().join("2024-01-05")), ["d=d0"]);
}

#[test]
fn a_write_that_fails_takes_nothing() {
    for (format, more) in [("json", vec![]), ("json", vec![("compression", "gzip")]), ("avro", vec![]), ("parquet", vec![])] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = partitioned(folder.path(), format, &more);
        write(&mut writer, 1, &days(1, 5, ""));
        put(folder.path(), &["d=d2"]);
        let error = block_on(writer.write(2, &days(3, 3, ""))).expect_err("a file in the way");
        assert!(error.retry(), "{error}");
        std::fs::remove_file(folder.path().join("d=d2")).expect("removed");
        write(&mut writer, 2, &days(3, 3, ""));
        block_on(writer.close()).expect("closed");
        assert_eq!(writer.acked(), 2);
        let written = |day: &str| files(&folder.path().join(day)).pop().expect("one file");
        if format == "parquet" {
            assert_eq!(["d=d0", "d=d1", "d=d2"].map(|day| parquet_rows(&written(day))), [8, 3, 3]);
        }
        if more.is_empty() && format == "json" {
            assert_eq!(["d=d0", "d=d1", "d=d2"].map(|day| std::fs::read_to_string(written(day)).expect("text").lines().count()), [8, 3, 3]);
        }
        assert_eq!(writer.take_lost(), Some(0), "{format}");
    }
}

/// A folder that is away for a while: files in it can't be completed.
fn away(folder: &Path) -> PathBuf {
    let other = folder.with_extension("away");
    std::fs::rename(folder, &other).expect("renamed");
    other
}

#[test]
fn a_lost_file_is_told_and_counted_and_later_rows_begin_a_new_one() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("out");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["x.jsonl.gz", "x.parquet", "x.avro"] {
        let clock = clock();
        let path = folder.join(name).to_string_lossy().into_owned();
        let sink = sink(&[("path", &path), ("roll.interval", "1h"), ("append", "true")]);
        let mut writer = open(&sink, &clock);
        write(writer.as_mut(), 1, &rows(0, 5));
        clock.advance(clock.nanos() + HOUR);
        block_on(writer.sync()).expect("synced");
        assert_eq!(writer.acked(), 1);
        write(writer.as_mut(), 2, &rows(5, 7));
        let other = away(&folder);
        clock.advance(clock.nanos() + HOUR);
        let error = block_on(writer.sync()).expect_err("nowhere to go");
        assert!(!error.retry() && error.message().starts_with("7 rows of ") && !error.message().contains("os error"), "{error}");
        std::fs::rename(other, &folder).expect("renamed");
        write(writer.as_mut(), 3, &rows(12, 1));
        assert_eq!(writer.acked(), 1, "nothing after a loss is acknowledged while nobody has counted it");
        assert_eq!(writer.take_lost(), Some(7));
        assert_eq!(writer.take_lost(), Some(0));
        assert_eq!(writer.acked(), 2, "the third epoch is in a file that is still open");
        block_on(writer.close()).expect("closed");
        assert_eq!(writer.acked(), 3);
        drop(writer);
        // The temporary file, which was away when it was to be removed, is for the next run.
        drop(open(&sink, &clock));
        assert_eq!(files(&folder).len(), 2, "{:?}", names(&folder));
        std::fs::remove_dir_all(&folder).expect("removed");
        std::fs::create_dir(&folder).expect("a folder");
    }
}

#[test]
fn one_partition_that_cannot_be_completed_does_not_take_the_others_along() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["parquet", "json"] {
        let lake = folder.path().join(format);
        let mut writer = partitioned(&lake, format, &[]);
        write(&mut writer, 1, &days(5, 4, ""));
        std::fs::remove_dir_all(lake.join("d=d1")).expect("removed");
        let error = block_on(writer.close()).expect_err("one is gone");
        assert!(error.message().starts_with("4 rows of ") && error.message().contains("d=d1"), "{error}");
        assert_eq!(writer.take_lost(), Some(4));
        drop(writer);
        assert_eq!(names(&lake), ["d=d0", "d=d2", "d=d3", "d=d4"]);
        assert!(["d=d0", "d=d2", "d=d3", "d=d4"].iter().all(|day| files(&lake.join(day)).len() == 1));
    }
}

#[test]
fn a_text_file_that_vanishes_is_noticed() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("out");
    let path = folder.join("o.jsonl").to_string_lossy().into_owned();
    let mut writer = open(&sink(&[("path", &path)]), &clock());
    write(writer.as_mut(), 1, &rows(0, 5));
    block_on(writer.sync()).expect("synced");
    write(writer.as_mut(), 2, &rows(5, 6));
    std::fs::remove_dir_all(&folder).expect("removed");
    let error = block_on(writer.sync()).expect_err("gone");
    assert!(!error.retry() && error.message().contains("was removed"), "{error}");
    assert_eq!((writer.acked(), writer.take_lost(), writer.acked()), (1, Some(6), 2));
    write(writer.as_mut(), 3, &rows(11, 2));
    std::fs::rename(folder.join("o.jsonl"), folder.join("moved.jsonl")).expect("renamed");
    std::fs::write(folder.join("o.jsonl"), "").expect("another file");
    block_on(writer.close()).expect_err("another file");
    assert_eq!(ids(&files(&folder)), [11, 12]);
}

#[test]
fn one_writer_at_a_time_also_of_files_that_are_complete_when_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("o-{date}.parquet").to_string_lossy().into_owned();
    let sink = sink(&[("path", &path), ("roll.interval", "1h"), ("append", "true")]);
    let first = open(&sink, &clock());
    let error = sink.open(super::tests::schema(), super::tests::context(clock())).err().expect("taken");
    assert!(error.message().ends_with("o-{date}.parquet is being written by another job"), "{error}");
    drop(first);
    drop(open(&sink, &clock()));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn open_files_share_a_bound_on_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = partitioned(folder.path(), "parquet", &[]);
    writer.most_buffered = 1 << 20;
    for _ in 0..30 {
        block_on(writer.write(1, &days(50, 5, NOISE))).expect("written");
        let buffered: u64 = writer.files.values().map(|file| file.file.buffered()).sum();
        assert!(buffered <= 1 << 20, "{buffered}");
    }
    block_on(writer.end_epoch(1)).expect("ended");
    block_on(writer.close()).expect("closed");
    let total: usize = (0..50).map(|day| parquet_rows(&folder.path().join(format!("d=d{day}/part-0001.parquet")))).sum();
    assert_eq!(total, 30 * 50 * 5);
    let file = std::fs::File::open(folder.path().join("d=d0/part-0001.parquet")).expect("a file");
    let groups = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").metadata().num_row_groups();
    assert!((2..30).contains(&groups), "row groups were ended early, and not all of them each time: {groups}");
}

#[test]
fn more_partitions_than_open_files_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = partitioned(folder.path(), "json", &[]);
    for epoch in 1..=3 {
        write(&mut writer, epoch, &days(150, 2, ""));
    }
    block_on(writer.close()).expect("closed");
    assert_eq!(writer.acked(), 3);
    let lines = |day: usize| {
        files(&folder.path().join(format!("d=d{day}"))).iter().map(|file| std::fs::read_to_string(file).expect("text").lines().count()).sum::<usize>()
    };
    assert!((0..150).all(|day| lines(day) == 6));
}
