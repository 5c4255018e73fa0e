//! How a run is asked to pause, to go on, and to end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Asks the jobs of a run to end: they stop reading, finish what they have read, and complete their outputs. Clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    at: Arc<OnceLock<Instant>>,
    paused: Arc<watch::Sender<bool>>,
    /// No work is waited for beyond it, whatever its own time is.
    latest: Arc<OnceLock<Instant>>,
}

impl Shutdown {
    /// Nothing is asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks.
    pub fn request(&self) {
        self.at.get_or_init(Instant::now);
        self.token.cancel();
    }

    /// Lets nobody wait for longer than until then, once it is asked.
    pub fn end_by(&self, latest: Instant) {
        self.latest.get_or_init(|| latest);
    }

    /// Asks the sources to stop reading; what was read goes its way.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Asks them to go on.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Whether the sources are to read nothing.
    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Waits until the sources are to read, or are to read nothing.
    pub(super) async fn until_paused(&self, paused: bool) {
        let mut changes = self.paused.subscribe();
        // The sender lives as long as this.
        let _value = changes.wait_for(|now| *now == paused).await;
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is asked.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// How much is left of the time after the request.
    pub(super) fn left(&self, timeout: Duration) -> Duration {
        let until = self.at.get().and_then(|asked| asked.checked_add(timeout));
        until.into_iter().chain(self.latest.get().copied()).min().map_or(timeout, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits for `work`, but once the run is asked to end no longer than until `timeout` and then `grace` after that: `None` then.
    pub(super) async fn bound_with_grace<T>(&self, work: impl Future<Output = T>, timeout: Duration, grace: Duration) -> Option<T> {
        tokio::pin!(work);
        if let Some(done) = self.bound(&mut work, timeout, Duration::ZERO).await {
            return Some(done);
        }
        tokio::time::timeout(grace, work).await.ok()
    }

    /// Waits for `work`, but once the run is asked to end no longer than until `timeout` after that: `None` then. `at_least` is given in any case.
    pub(super) async fn bound<T>(&self, work: impl Future<Output = T>, timeout: Duration, at_least: Duration) -> Option<T> {
        let begun = Instant::now();
        let expired = async {
            self.requested().await;
            let asked = self.at.get().copied().unwrap_or_else(Instant::now);
            let until = asked.checked_add(timeout).into_iter().chain(self.latest.get().copied()).min();
            match until {
                Some(until) => tokio::time::sleep_until(until.max(begun + at_least).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = expired => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_waited_for_until_the_time_after_the_request_is_over() {
        let shutdown = Shutdown::new();
        let slow = tokio::time::sleep(Duration::from_millis(20));
        assert_eq!(shutdown.bound(slow, Duration::ZERO, Duration::ZERO).await, Some(()), "nobody has asked to end yet");
        shutdown.request();
        assert_eq!(shutdown.bound(async { 1 }, Duration::ZERO, Duration::ZERO).await, Some(1));
        assert_eq!(shutdown.bound(std::future::pending::<()>(), Duration::from_millis(20), Duration::ZERO).await, None);
        let begun = Instant::now();
        assert_eq!(shutdown.bound(std::future::pending::<()>(), Duration::ZERO, Duration::from_millis(20)).await, None);
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}
