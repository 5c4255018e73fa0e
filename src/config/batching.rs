//! The batching of each source from the job's keys and its own.

use std::time::Duration;

use super::job_options::{JobOptions, SourceShared};
use crate::stream::{BatchSettings, BatchStrategy};

/// Rows of a batch where nothing else is said: large enough that the cost per batch vanishes, small enough for a processor's cache.
const DEFAULT_ROWS: usize = 8192;
const LOW_LATENCY_ROWS: usize = 100;
const LOW_LATENCY_WAIT: Duration = Duration::from_millis(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a batch where nothing else is said.
const DEFAULT_BYTES: usize = 64 << 20;

/// The settings of one source.
pub(super) fn settings(job: &JobOptions, source: &SourceShared, default_timeout: Option<Duration>) -> BatchSettings {
    let chosen = source.batch_strategy.or(job.batch_strategy);
    let strategy = chosen.unwrap_or(BatchStrategy::FixedSize);
    let own_rows = source.batch_size.or(job.batch_size);
    let max_rows = match strategy {
        BatchStrategy::LowLatency => own_rows.or(job.low_latency_max_size).unwrap_or(LOW_LATENCY_ROWS),
        BatchStrategy::AdaptiveSize => job.adaptive_max_size.or(own_rows).unwrap_or(DEFAULT_ROWS),
        BatchStrategy::MemoryBased => own_rows.unwrap_or(usize::MAX),
        BatchStrategy::FixedSize => own_rows.or(job.adaptive_max_size).unwrap_or(DEFAULT_ROWS),
    };
    let max_rows = if job.batch_enable { max_rows.max(1) } else { 1 };
    let timeout = source.batch_timeout.or(job.batch_timeout).map(|timeout| timeout.0);
    let timeout = match strategy {
        BatchStrategy::LowLatency => job.low_latency_wait.map(|wait| wait.0).or(timeout).unwrap_or(LOW_LATENCY_WAIT),
        _ => timeout.or(default_timeout).unwrap_or(DEFAULT_TIMEOUT),
    };
    let megabytes = job.memory_limit_mb.map(|mb| mb.saturating_mul(1 << 20));
    let bytes = job.memory_size.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let max_bytes = megabytes.into_iter().chain(bytes).min().unwrap_or(DEFAULT_BYTES).max(1);
    // A user who asked for no batches at all wants neither to wait for them.
    let asked = chosen.is_some() || own_rows.is_some() || source.batch_timeout.is_some() || job.batch_timeout.is_some();
    BatchSettings {
        strategy,
        max_rows,
        min_rows: job.batch_min_size.clamp(1, max_rows),
        max_bytes,
        target_latency: job.target_latency.0,
        timeout,
        eager: job.eager_processing.unwrap_or(!asked || !job.batch_enable),
    }
}
