//! Rows on their way to the sinks of a job, counted once for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};

use super::job_memory::share;
use super::sink_task::MOST_BYTES;
use crate::operators::slice_bytes::slice_bytes;

/// How many bytes may wait for one of so many sinks.
pub(super) fn most_waiting(pool: &Arc<dyn MemoryPool>, sinks: usize) -> u64 {
    share(pool, 8 * sinks, MOST_BYTES)
}

/// Batches for sinks, measured once for all of them.
#[derive(Clone)]
pub(super) struct Load {
    pub batches: Vec<RecordBatch>,
    pub rows: usize,
    pub bytes: usize,
    /// What they take of the job's memory, until the last sink has them.
    pub held: Option<Arc<Waiting>>,
}

/// Rows that wait for sinks, as long as one of them has not taken them.
#[derive(Debug)]
pub(super) struct Waiting {
    _held: MemoryReservation,
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Load {
    pub(super) fn of(batches: Vec<RecordBatch>) -> Self {
        let (rows, bytes) = batches.iter().fold((0, 0), |(rows, bytes), batch| (rows + batch.num_rows(), bytes + slice_bytes(batch)));
        Self { batches, rows, bytes, held: None }
    }

    /// Counts them among the job's memory, once for all sinks.
    pub(super) fn hold(&mut self, memory: &MemoryReservation, all: &Arc<AtomicUsize>) {
        let held = memory.new_empty();
        held.grow(self.bytes);
        all.fetch_add(self.bytes, Ordering::Relaxed);
        self.held = Some(Arc::new(Waiting { _held: held, bytes: self.bytes, all: Arc::clone(all) }));
    }

    /// Is counted with others that it is a part of.
    pub(super) fn share(&mut self, whole: &Self) {
        self.held.clone_from(&whole.held);
    }
}
