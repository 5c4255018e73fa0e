//! How long something takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A sum of times and their number.
#[derive(Debug, Default)]
pub struct Latency {
    nanos: AtomicU64,
    count: AtomicU64,
}

impl Latency {
    pub(super) fn add(&self, took: Duration) {
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The sum, in seconds.
    pub fn seconds(&self) -> f64 {
        self.nanos.load(Ordering::Relaxed) as f64 / 1e9
    }

    /// How often.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The mean, in milliseconds; 0 if it never happened.
    pub fn mean_ms(&self) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { self.seconds() * 1e3 / count as f64 }
    }
}
