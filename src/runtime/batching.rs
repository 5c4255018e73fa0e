//! When a batch is complete, as pure functions: the strategies are decided here and nowhere else.

use std::time::Duration;

use crate::stream::{BatchSettings, BatchStrategy};

/// Rows of a source that wait to become a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Rows.
    pub rows: usize,
    /// Their encoded bytes.
    pub bytes: u64,
    /// Time since the first of them came.
    pub age: Duration,
    /// Nothing more will come.
    pub ended: bool,
    /// The bytes that make a batch complete whatever its strategy, so that memory is bounded (see [`whole_batch_bytes`]).
    pub most_bytes: u64,
}

/// Bytes of a batch that is bounded by rows only.
const MOST_BYTES: u64 = 32 << 20;

/// The bytes of the largest batch of these settings.
pub fn whole_batch_bytes(settings: &BatchSettings) -> u64 {
    if limits_bytes(settings) { MOST_BYTES.max(settings.max_bytes as u64) } else { MOST_BYTES }
}

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make a batch of this many of them.
    Take(usize),
    /// Wait for more, at most this long; `None` without rows: as long as it takes.
    Wait(Option<Duration>),
}

/// Decides by the source's settings; `target` is the present aim of `adaptive_size` (see [`adapt`]).
pub fn decide(settings: &BatchSettings, target: usize, waiting: Waiting) -> Decision {
    if waiting.rows == 0 {
        return Decision::Wait(None);
    }
    let most = match settings.strategy {
        BatchStrategy::AdaptiveSize => target.clamp(settings.min_rows, settings.max_rows),
        BatchStrategy::FixedSize | BatchStrategy::LowLatency | BatchStrategy::MemoryBased => settings.max_rows,
    };
    let bytes = if limits_bytes(settings) { waiting.most_bytes.min(settings.max_bytes as u64) } else { waiting.most_bytes };
    let most = most.min(rows_of(waiting, bytes));
    if waiting.rows >= most {
        return Decision::Take(most);
    }
    if settings.eager || waiting.ended || waiting.age >= settings.timeout {
        return Decision::Take(waiting.rows);
    }
    Decision::Wait(Some(settings.timeout - waiting.age))
}

/// A byte limit is the point of `memory_based`, and a cap of `adaptive_size`; the others count rows.
fn limits_bytes(settings: &BatchSettings) -> bool {
    matches!(settings.strategy, BatchStrategy::MemoryBased | BatchStrategy::AdaptiveSize)
}

/// Rows that reach a number of bytes, the last one passing it, if rows are as long as those that wait.
fn rows_of(waiting: Waiting, bytes: u64) -> usize {
    let each = (waiting.bytes / waiting.rows as u64).max(1);
    usize::try_from(bytes.div_ceil(each)).unwrap_or(usize::MAX).max(1)
}

/// The next aim of `adaptive_size` after a batch of `rows` took `took`: half way towards the size that would take the target time, at most doubled and at least halved.
pub fn adapt(settings: &BatchSettings, target: usize, rows: usize, took: Duration) -> usize {
    if rows == 0 || settings.strategy != BatchStrategy::AdaptiveSize {
        return target;
    }
    let fitting = rows as f64 * settings.target_latency.as_secs_f64() / took.as_secs_f64().max(1e-9);
    let present = target as f64;
    let next = ((present + fitting) / 2.0).clamp(present / 2.0, present * 2.0);
    // A batch that was not full says nothing about larger ones.
    let next = if rows < target { next.min(present) } else { next };
    (next.ceil() as usize).clamp(settings.min_rows, settings.max_rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(strategy: BatchStrategy) -> BatchSettings {
        BatchSettings {
            strategy,
            max_rows: 500,
            min_rows: 1,
            max_bytes: 16 << 20,
            target_latency: Duration::from_millis(200),
            timeout: Duration::from_secs(2),
            eager: false,
        }
    }

    fn waiting(rows: usize, millis: u64) -> Waiting {
        Waiting { rows, bytes: rows as u64 * 100, age: Duration::from_millis(millis), ended: false, most_bytes: MOST_BYTES }
    }

    #[test]
    fn fixed_size_cuts_at_its_rows_or_at_its_timeout() {
        let fixed = settings(BatchStrategy::FixedSize);
        assert_eq!(decide(&fixed, 0, waiting(1200, 0)), Decision::Take(500));
        assert_eq!(decide(&fixed, 0, waiting(200, 0)), Decision::Wait(Some(Duration::from_secs(2))));
        assert_eq!(decide(&fixed, 0, waiting(200, 1_500)), Decision::Wait(Some(Duration::from_millis(500))));
        assert_eq!(decide(&fixed, 0, waiting(200, 2_000)), Decision::Take(200));
        assert_eq!(decide(&fixed, 0, Waiting { ended: true, ..waiting(7, 0) }), Decision::Take(7));
        assert_eq!(decide(&fixed, 0, waiting(0, 9_000)), Decision::Wait(None));
    }

    #[test]
    fn memory_based_passes_its_bytes_by_one_row_at_most() {
        let memory = BatchSettings { max_rows: usize::MAX, ..settings(BatchStrategy::MemoryBased) };
        let rows = Waiting { rows: 40, bytes: 40 << 20, age: Duration::ZERO, ended: false, most_bytes: MOST_BYTES };
        assert_eq!(decide(&memory, 0, rows), Decision::Take(16));
        let uneven = Waiting { rows: 40, bytes: 40 * 1_000_000, age: Duration::ZERO, ended: false, most_bytes: MOST_BYTES };
        assert_eq!(decide(&memory, 0, uneven), Decision::Take(17));
    }

    #[test]
    fn large_rows_complete_a_batch_of_any_strategy() {
        let fixed = settings(BatchStrategy::FixedSize);
        assert_eq!(decide(&fixed, 0, Waiting { rows: 40, bytes: 40 << 20, ..waiting(0, 0) }), Decision::Take(32));
        assert_eq!(decide(&fixed, 0, Waiting { rows: 31, bytes: 31 << 20, ..waiting(0, 0) }), Decision::Wait(Some(Duration::from_secs(2))));
        let memory = BatchSettings { max_bytes: 64 << 20, ..settings(BatchStrategy::MemoryBased) };
        assert_eq!(whole_batch_bytes(&memory), 64 << 20);
    }

    #[test]
    fn low_latency_with_eager_processing_waits_for_nothing() {
        let low = BatchSettings { max_rows: 5, timeout: Duration::from_millis(10), eager: true, ..settings(BatchStrategy::LowLatency) };
        assert_eq!(decide(&low, 0, waiting(1, 0)), Decision::Take(1));
        assert_eq!(decide(&low, 0, waiting(12, 0)), Decision::Take(5));
    }

    #[test]
    fn adaptive_size_grows_while_batches_are_fast_and_shrinks_while_they_are_slow() {
        let adaptive = BatchSettings { min_rows: 100, max_rows: 5_000, ..settings(BatchStrategy::AdaptiveSize) };
        let mut target = 100;
        for _ in 0..20 {
            target = adapt(&adaptive, target, target, Duration::from_micros(100 * target as u64));
        }
        assert!((1_900..=2_100).contains(&target), "100 µs a row make 2000 rows in 200 ms, not {target}");
        for _ in 0..20 {
            target = adapt(&adaptive, target, target, Duration::from_secs(3));
        }
        assert_eq!(target, 100);
    }

    proptest! {
        #[test]
        fn a_batch_never_passes_its_limits(rows in 1usize..10_000, bytes_each in 1u64..1_000_000, age in 0u64..5_000, max in 1usize..2_000, limit in 1usize..50_000_000, strategy in 0..4) {
            let strategy = [BatchStrategy::FixedSize, BatchStrategy::AdaptiveSize, BatchStrategy::MemoryBased, BatchStrategy::LowLatency][strategy as usize];
            let settings = BatchSettings { max_rows: max, max_bytes: limit, ..settings(strategy) };
            let waiting = Waiting { rows, bytes: rows as u64 * bytes_each, age: Duration::from_millis(age), ended: false, most_bytes: MOST_BYTES };
            match decide(&settings, max, waiting) {
                Decision::Take(taken) => {
                    prop_assert!(taken >= 1 && taken <= rows.min(max));
                    if limits_bytes(&settings) {
                        prop_assert!((taken as u64 - 1) * bytes_each < limit as u64);
                    }
                }
                Decision::Wait(wait) => prop_assert!(wait.is_some_and(|wait| !wait.is_zero()) && age < 2_000),
            }
        }

        #[test]
        fn adaptive_targets_stay_in_range(target in 1usize..5_000, rows in 0usize..5_000, took in 0u64..10_000_000) {
            let settings = BatchSettings { min_rows: 100, max_rows: 5_000, ..settings(BatchStrategy::AdaptiveSize) };
            let next = adapt(&settings, target.clamp(100, 5_000), rows, Duration::from_micros(took));
            prop_assert!((100..=5_000).contains(&next));
        }
    }
}
