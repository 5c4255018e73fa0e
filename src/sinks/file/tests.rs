//! Rotation, rolling and acknowledgement, with a clock that the test moves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::executor::block_on;
use proptest::prelude::*;

use super::{FileSink, FileSinkOptions};
use crate::clock::EpochClock;
use crate::options::KeyMap;
use crate::stream::{DataSink, DataWriter, FailurePolicy, FailureStrategy, SinkContext};

pub(super) const HOUR: i64 = 3_600_000_000_000;
/// 2024-01-05T09:30:00Z
pub(super) const START: i64 = 1_704_447_000_000_000_000;

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]))
}

pub(super) fn rows(from: i64, count: i64) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from_iter_values(from..from + count))]).expect("one column")
}

pub(super) fn sink(settings: &[(&str, &str)]) -> FileSink {
    let mut keys = KeyMap::of("o", settings);
    let mut errors = Vec::new();
    let options = FileSinkOptions::from_keys(&mut keys, &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    FileSink::create("o", options.expect("no fault"), None).expect("settings that go together")
}

/// What a writer needs of its job.
pub(super) fn context(clock: Arc<EpochClock>) -> SinkContext {
    let failure = FailurePolicy { strategy: FailureStrategy::FailBatch, max_retries: 0, retry_backoff: std::time::Duration::ZERO };
    SinkContext { place: String::new(), clock, health: Arc::default(), failure, stop: Default::default(), most_buffered: u64::MAX }
}

pub(super) fn open(sink: &FileSink, clock: &Arc<EpochClock>) -> Box<dyn DataWriter> {
    sink.open(schema(), context(Arc::clone(clock))).expect("a folder that can be written")
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

pub(super) fn ids(files: &[PathBuf]) -> Vec<i64> {
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).expect("text")).collect();
    let mut ids: Vec<i64> = text.lines().map(|line| line.trim_start_matches("{\"id\":").trim_end_matches('}').parse().expect("a number")).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_daily_file_per_day_and_the_oldest_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let sink = sink(&[("path", &path.to_string_lossy()), ("rotation", "daily"), ("max_files", "30")]);
    let clock = Arc::new(EpochClock::at(START));
    let mut writer = open(&sink, &clock);
    for day in 0..31 {
        clock.advance(START + day * 24 * HOUR);
        block_on(writer.write(day as u64 + 1, &rows(day, 1))).expect("written");
        block_on(writer.end_epoch(day as u64 + 1)).expect("ended");
        assert_eq!(files(folder.path()).len(), (day as usize + 1).min(30), "never more, not even while it runs");
        // File systems keep times too coarse for a test that is faster than a day.
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    block_on(writer.close()).expect("closed");
    let kept = files(folder.path());
    assert_eq!(kept.len(), 30);
    assert!(kept[0].ends_with("audit.2024-01-06.jsonl"), "{kept:?}");
    assert_eq!(ids(&kept), (1..31).collect::<Vec<_>>());
}

#[test]
fn rows_are_acknowledged_when_they_are_durable_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let clock = Arc::new(EpochClock::at(START));
    let mut text = open(&sink(&[("path", &path("a.jsonl"))]), &clock);
    let mut columnar = open(&sink(&[("path", &path("a.parquet")), ("roll.interval", "1h")]), &clock);
    for writer in [&mut text, &mut columnar] {
        assert_eq!(writer.acked(), 0);
        block_on(writer.end_epoch(1)).expect("ended");
        assert_eq!(writer.acked(), 1, "an epoch without rows is durable at once");
        block_on(writer.write(2, &rows(0, 5))).expect("written");
        block_on(writer.end_epoch(2)).expect("ended");
        assert_eq!(writer.acked(), 1);
        block_on(writer.sync()).expect("synced");
    }
    assert_eq!(text.acked(), 2);
    assert_eq!(columnar.acked(), 1, "the file is still open");
    assert!(!folder.path().join("a-0001.parquet").exists(), "not under its final name before it is complete");
    clock.advance(START + HOUR);
    block_on(columnar.sync()).expect("synced");
    assert_eq!(columnar.acked(), 2);
    assert!(folder.path().join("a-0001.parquet").exists());
}

#[test]
fn a_sink_that_is_dropped_leaves_nothing_incomplete() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.parquet");
    let sink = sink(&[("path", &path.to_string_lossy())]);
    let mut writer = open(&sink, &Arc::new(EpochClock::at(START)));
    block_on(writer.write(1, &rows(0, 5))).expect("written");
    drop(writer);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_is_lost_or_doubled_however_files_end(
        steps in proptest::collection::vec((0i64..30, 0i64..40), 1..40),
        rotation in proptest::option::of(proptest::sample::select(vec!["hourly", "daily"])),
        size in proptest::option::of(50u64..500),
        interval in proptest::option::of(1u64..5),
        placeholder in any::<bool>(),
        append in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(if placeholder { "x-{date}-{hour}.jsonl" } else { "x.jsonl" }).to_string_lossy().into_owned();
        let (size, interval) = (size.map(|size| size.to_string()), interval.map(|hours| format!("{hours}h")));
        let mut settings = vec![("path", path.as_str()), ("append", if append { "true" } else { "false" })];
        settings.extend(rotation.map(|rotation| ("rotation", rotation)));
        settings.extend(size.as_deref().map(|size| ("roll.size", size)));
        settings.extend(interval.as_deref().map(|interval| ("roll.interval", interval)));
        let sink = sink(&settings);
        let (mut now, mut next) = (START, 0);
        let clock = Arc::new(EpochClock::at(now));
        let mut writer = open(&sink, &clock);
        for (epoch, (hours, count)) in steps.iter().enumerate() {
            now += hours * HOUR / 4;
            clock.advance(now);
            block_on(writer.write(epoch as u64 + 1, &rows(next, *count))).expect("written");
            block_on(writer.end_epoch(epoch as u64 + 1)).expect("ended");
            next += count;
            if epoch % 3 == 0 {
                block_on(writer.sync()).expect("synced");
                prop_assert_eq!(writer.acked(), epoch as u64 + 1);
            }
        }
        block_on(writer.close()).expect("closed");
        prop_assert_eq!(ids(&files(folder.path())), (0..next).collect::<Vec<_>>());
    }
}
