//! The job's clock: what `now()` and path placeholders read.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Processing time of the current epoch, in nanoseconds since 1970 UTC. All expressions of one epoch read the same value.
#[derive(Debug)]
pub struct EpochClock {
    nanos: AtomicI64,
}

impl EpochClock {
    /// A clock that stands at `nanos` until it is set.
    pub fn at(nanos: i64) -> Self {
        Self { nanos: AtomicI64::new(nanos) }
    }

    /// A clock that stands at the present time until it is set.
    pub fn system() -> Self {
        Self::at(system_nanos())
    }

    /// Sets the time of the epoch; never goes back.
    pub fn advance(&self, nanos: i64) {
        self.nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    /// Nanoseconds since 1970 UTC.
    pub fn nanos(&self) -> i64 {
        self.nanos.load(Ordering::Relaxed)
    }
}

/// The system's time in nanoseconds since 1970 UTC; 0 for a system clock before that.
pub fn system_nanos() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_nanos()).ok()).unwrap_or(0)
}
