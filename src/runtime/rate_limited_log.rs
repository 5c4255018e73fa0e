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

    /// Takes note of `count` events of which one is described.
    pub(super) fn warn(&self, count: u64, what: impl FnOnce() -> String) {
        let mut state = self.state.lock();
        state.total += count;
        if state.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        state.last = Some(Instant::now());
        let total = state.total;
        drop(state);
        tracing::warn!("{}, {} (LogAndContinue; {total} so far; next line in 10 s)", self.place, what());
    }
}
