//! The figures of a job that monitoring asks for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// A job in seven figures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobMetrics {
    /// Records read, those that were rejected among them.
    pub records_processed: u64,
    /// Of these per second, since the job began.
    pub records_per_second: f64,
    /// Batches that went through the statement.
    pub batches_processed: u64,
    /// Batches that failed the job.
    pub batches_failed: u64,
    /// When the last record was read (in JSON as RFC 3339); none if there was none.
    #[serde(serialize_with = "as_text")]
    pub last_record_time: Option<DateTime<Utc>>,
    /// Records and rows that were rejected, refused by a sink or given up.
    pub errors: u64,
    /// What the job takes of memory, in MB (10⁶ bytes): its tables, what its operators keep, and rows that wait. It is what `memory.limit` limits.
    pub memory_usage_mb: f64,
}

fn as_text<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)).serialize(serializer)
}

/// When something happened last.
#[derive(Debug, Default)]
pub struct LastTime {
    /// Microseconds since 1970; 0: never.
    micros: AtomicU64,
}

impl LastTime {
    /// It happens now.
    pub(super) fn now(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.micros.store(u64::try_from(now.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<SystemTime> {
        Some(self.micros.load(Ordering::Relaxed)).filter(|micros| *micros > 0).map(|micros| UNIX_EPOCH + Duration::from_micros(micros))
    }
}

impl JobMetrics {
    /// Completes the counts of a job that began at `began`.
    pub(super) fn complete(self, began: Instant, memory: usize) -> Self {
        let seconds = began.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { self.records_processed as f64 / seconds } else { 0.0 };
        Self { records_per_second: rate, memory_usage_mb: memory as f64 / 1e6, ..self }
    }
}
