//! How much memory a job takes: tables, what its operators keep, and rows that wait. Everything that can grow asks here first; DataFusion's operators know it as their pool.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};

use crate::stream::LONG_ROW;

/// Below this many tenths of the recommended limit, passing it again is news.
const TENTHS: usize = 9;

const OF_JOB: &str = "Job memory usage";
const OF_ALL: &str = "Memory usage of all jobs";

/// What to do about memory that was refused.
pub(super) fn cure(refusal: &str) -> Option<&'static str> {
    if refusal.contains(OF_JOB) {
        Some("raise 'memory.limit', or let the statement keep less: fewer columns of its tables, smaller batches")
    } else if refusal.contains(OF_ALL) {
        Some("raise VELO_MAX_MEMORY_MB, or run fewer jobs")
    } else {
        None
    }
}

/// The memory of all jobs of a process.
#[derive(Debug, Default)]
pub struct EngineMemory {
    used: AtomicUsize,
    limit: Option<usize>,
}

impl EngineMemory {
    /// Memory of which all jobs together may take `limit` bytes.
    pub fn new(limit: Option<u64>) -> Self {
        Self { used: AtomicUsize::new(0), limit: limit.map(bytes) }
    }
}

/// What a job may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Bytes; more is worth a warning.
    pub recommended: Option<u64>,
    /// Bytes; more fails the job.
    pub most: Option<u64>,
}

/// The memory of a job.
pub struct JobMemory {
    job: String,
    used: AtomicUsize,
    recommended: usize,
    limit: Option<usize>,
    /// The recommended limit was passed, and that was told.
    over: AtomicBool,
    engine: Arc<EngineMemory>,
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn megabytes(size: usize) -> usize {
    size.div_ceil(1_000_000)
}

impl JobMemory {
    /// The memory of the job of that name.
    pub fn new(job: &str, limits: MemoryLimits, engine: &Arc<EngineMemory>) -> Self {
        let (recommended, limit) = (limits.recommended.map_or(usize::MAX, bytes), limits.most.map(bytes));
        Self { job: job.to_owned(), used: AtomicUsize::new(0), recommended, limit, over: AtomicBool::new(false), engine: Arc::clone(engine) }
    }

    /// Warns when the recommended limit is passed, once for each time.
    fn watch(&self, used: usize) {
        if used > self.recommended {
            if !self.over.swap(true, Ordering::Relaxed) {
                let text = format!("Job memory usage {}MB exceeds recommended limit of {}MB", megabytes(used), megabytes(self.recommended));
                crate::telemetry::warning(&text);
                tracing::warn!("job '{}': {text}", self.job);
            }
        } else if used < self.recommended / 10 * TENTHS {
            self.over.store(false, Ordering::Relaxed);
        }
    }

    fn refused(&self, what: &str, used: usize, most: usize, who: &MemoryReservation) -> DataFusionError {
        let text =
            format!("{what} {}MB exceeds limit of {}MB, with {}MB for {}", megabytes(used), megabytes(most), megabytes(who.size()), who.consumer().name());
        tracing::debug!("job '{}': {text}", self.job);
        DataFusionError::ResourcesExhausted(text)
    }
}

impl fmt::Debug for JobMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobMemory").field("job", &self.job).field("used", &self.used).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl fmt::Display for JobMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory of job '{}' ({}MB)", self.job, megabytes(self.used.load(Ordering::Relaxed)))
    }
}

impl MemoryPool for JobMemory {
    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.engine.used.fetch_add(additional, Ordering::Relaxed);
        self.watch(self.used.fetch_add(additional, Ordering::Relaxed) + additional);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.engine.used.fetch_sub(shrink, Ordering::Relaxed);
        self.watch(self.used.fetch_sub(shrink, Ordering::Relaxed) - shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        // Never added before it is known to fit: meanwhile others would be refused what there is.
        let (own_limit, limit) = (self.limit.unwrap_or(usize::MAX), self.engine.limit.unwrap_or(usize::MAX));
        let used = add_within(&self.used, additional, own_limit).map_err(|over| self.refused(OF_JOB, over, own_limit, reservation))?;
        if let Err(over) = add_within(&self.engine.used, additional, limit) {
            self.used.fetch_sub(additional, Ordering::Relaxed);
            return Err(self.refused(OF_ALL, over, limit, reservation));
        }
        self.watch(used);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        [self.limit, self.engine.limit].into_iter().flatten().min().map_or(MemoryLimit::Infinite, MemoryLimit::Finite)
    }
}

/// Adds to a sum unless it would be more than `most` then. Returns the new sum, or what it would have been.
fn add_within(sum: &AtomicUsize, additional: usize, most: usize) -> std::result::Result<usize, usize> {
    let added = |sum: usize| sum.saturating_add(additional);
    let changed = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| Some(added(sum)).filter(|sum| *sum <= most));
    changed.map(added).map_err(added)
}

/// The share of a pool's limit that a queue may take, in parts of the whole; `most` if there is no limit.
pub(super) fn share(pool: &Arc<dyn MemoryPool>, part: usize, most: u64) -> u64 {
    match pool.memory_limit() {
        MemoryLimit::Finite(limit) => most.min((limit / part.max(1)) as u64).max(1),
        MemoryLimit::Infinite | MemoryLimit::Unknown => most,
    }
}

/// Whether so much of the limit is taken that the next epoch might not fit.
pub(super) fn is_tight(pool: &Arc<dyn MemoryPool>) -> bool {
    match pool.memory_limit() {
        MemoryLimit::Finite(limit) => pool.reserved() > limit / 2,
        MemoryLimit::Infinite | MemoryLimit::Unknown => false,
    }
}

/// Whether memory was refused since other jobs have it, who may give it back.
pub(super) fn is_taken_by_others(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(text) if text.contains(OF_ALL))
}

/// Rows of the smallest batches that are decoded by themselves: the cost of a batch is spread over them.
pub(super) const FEW_ROWS: usize = 1024;

/// The part of a limit of memory that rows decoded together may take.
const DECODED_PART: usize = 16;

/// Bytes that rows decoded together may take where there is no limit.
const MOST_DECODED: u64 = 32 << 20;

/// How many rows to decode together, `most` if there is no narrow limit of memory: a decoded batch, and what is computed of it, must fit even if its texts are long. `width`: the
/// bytes that a row takes whatever is in it.
pub(super) fn decoded_rows(pool: &Arc<dyn MemoryPool>, most: usize, width: usize) -> usize {
    let rows = |bytes: u64, width: usize| usize::try_from(bytes / width.max(1) as u64).unwrap_or(usize::MAX);
    let bytes = share(pool, DECODED_PART, u64::MAX);
    let wide = rows(bytes.min(MOST_DECODED), width).max(1);
    most.min(rows(bytes, LONG_ROW).max(FEW_ROWS)).min(if width > LONG_ROW { wide } else { most })
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    fn pool(limits: MemoryLimits, engine: &Arc<EngineMemory>) -> Arc<dyn MemoryPool> {
        Arc::new(JobMemory::new("j", limits, engine))
    }

    #[test]
    fn a_job_stops_at_its_limit_and_all_at_theirs() {
        let engine = Arc::new(EngineMemory::new(Some(100_000_000)));
        let limits = MemoryLimits { recommended: None, most: Some(64_000_000) };
        let (one, two) = (pool(limits, &engine), pool(limits, &engine));
        let (mine, other) = (MemoryConsumer::new("a").register(&one), MemoryConsumer::new("b").register(&two));
        assert!(mine.try_grow(60_000_000).is_ok());
        assert_eq!(
            mine.try_grow(10_000_000).expect_err("too much").strip_backtrace(),
            "Resources exhausted: Job memory usage 70MB exceeds limit of 64MB, with 60MB for a"
        );
        assert_eq!(one.reserved(), 60_000_000, "what was refused is not counted");
        assert_eq!(
            other.try_grow(50_000_000).expect_err("too much").strip_backtrace(),
            "Resources exhausted: Memory usage of all jobs 110MB exceeds limit of 100MB, with 0MB for b"
        );
        drop(mine);
        assert!(other.try_grow(50_000_000).is_ok(), "what is given back is free for others");
    }

    #[test]
    fn what_is_refused_one_job_is_never_missing_to_another() {
        let engine = Arc::new(EngineMemory::new(Some(100_000_000)));
        let (greedy, modest) = (pool(MemoryLimits::default(), &engine), pool(MemoryLimits::default(), &engine));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let much = MemoryConsumer::new("much").register(&greedy);
                (0..100_000).for_each(|_| assert!(much.try_grow(500_000_000).is_err()));
            });
            let little = MemoryConsumer::new("little").register(&modest);
            for _ in 0..100_000 {
                assert!(little.try_grow(1_000).is_ok());
                little.shrink(1_000);
            }
        });
        assert_eq!((greedy.reserved(), modest.reserved()), (0, 0));
    }

    #[test]
    fn rows_of_many_columns_are_decoded_a_few_at_a_time() {
        let engine = Arc::new(EngineMemory::default());
        let limited = pool(MemoryLimits { recommended: None, most: Some(64_000_000) }, &engine);
        assert_eq!([100, 16_000, 10_000_000].map(|width| decoded_rows(&limited, 8192, width)), [1024, 250, 1]);
        let unlimited = pool(MemoryLimits::default(), &engine);
        assert_eq!([100, 16_000].map(|width| decoded_rows(&unlimited, 8192, width)), [8192, 2097]);
    }

    #[test]
    fn queues_get_a_share_of_a_limit() {
        let engine = Arc::new(EngineMemory::default());
        assert_eq!(share(&pool(MemoryLimits::default(), &engine), 4, 1 << 20), 1 << 20);
        let limited = pool(MemoryLimits { recommended: None, most: Some(1 << 20) }, &engine);
        assert_eq!((share(&limited, 4, 1 << 20), share(&limited, 4, 100)), (1 << 18, 100));
    }
}
