//! How many rows are computed together: as many as their results allow, which only the results tell (`repeat('x', 1000000)`, `range(0, 200000)`).

use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryLimit;

use crate::operators::slice_bytes::slice_bytes;

/// Rows that are computed while nothing is known.
const FIRST_ROWS: usize = 16;
/// So many times as many rows are computed next, at most.
const GROWTH: usize = 16;
/// Bytes of results that are made at once.
const BYTES: usize = 8 << 20;
/// The part of a limit of the job's memory that they may take.
const PART: usize = 16;

/// Bytes of results that may be made at once.
pub(super) fn most_bytes(context: &TaskContext) -> usize {
    match context.memory_pool().memory_limit() {
        MemoryLimit::Finite(limit) => BYTES.min(limit / PART),
        MemoryLimit::Infinite | MemoryLimit::Unknown => BYTES,
    }
}

/// Rows to compute together; learns over all executions of a plan.
#[derive(Debug)]
pub(super) struct Together {
    rows: AtomicUsize,
}

impl Default for Together {
    fn default() -> Self {
        Self { rows: AtomicUsize::new(FIRST_ROWS) }
    }
}

impl Together {
    /// How many rows come next.
    pub(super) fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Takes note of what became of `rows` rows.
    pub(super) fn learn(&self, rows: usize, result: &RecordBatch, most_bytes: usize) {
        let fits = most_bytes.saturating_mul(rows) / slice_bytes(result).max(1);
        let most = rows.saturating_mul(GROWTH).max(self.rows());
        self.rows.store(fits.clamp(1, most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn texts(rows: usize, length: usize) -> RecordBatch {
        let texts = StringArray::from_iter_values((0..rows).map(|_| "x".repeat(length)));
        RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).expect("a batch")
    }

    #[test]
    fn small_results_are_made_by_the_thousand_and_large_ones_one_by_one() {
        let together = Together::default();
        together.learn(16, &texts(16, 4), 1 << 20);
        assert_eq!(together.rows(), 256);
        together.learn(256, &texts(256, 996), 1 << 20);
        assert!((1000..1100).contains(&together.rows()), "{}", together.rows());
        together.learn(1, &texts(1, 2 << 20), 1 << 20);
        assert_eq!(together.rows(), 1);
    }
}
