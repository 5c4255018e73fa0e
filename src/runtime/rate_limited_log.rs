//! Warnings that can come with every row: the first at once, then at most one in ten seconds.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const INTERVAL: Duration = Duration::from_secs(10);

/// A place that warnings come from.
#[derive(Debug)]
pub(super) struct RateLimitedLog {
    place: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    total: u64,
}

impl RateLimitedLog {
    /// `place` begins every line: `job 'x', source 'orders'`.
    pub(super) fn new(place: String) -> Self {
        Self { place, state: Mutex::default() }
    }

    /// Name of the place.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Takes note of `count` records that are left out, of which one is described.
    pub(super) fn warn(&self, count: u64, what: impl FnOnce() -> String) {
        if let Some(total) = self.due(count) {
            tracing::warn!("{}, {} (LogAndContinue; {total} so far; next line in 10 s)", self.place, what());
        }
    }

    /// Takes note of something that goes wrong again and again, `count` times now.
    pub(super) fn warn_again(&self, count: u64, what: impl FnOnce() -> String) {
        if let Some(total) = self.due(count) {
            tracing::warn!("{}: {} ({total} so far; next line in 10 s)", self.place, what());
        }
    }

    /// Counts events; the number so far if it is time for a line.
    fn due(&self, count: u64) -> Option<u64> {
        let mut state = self.state.lock();
        state.total += count;
        if state.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return None;
        }
        state.last = Some(Instant::now());
        Some(state.total)
    }
}
