//! How long the parts of a run are waited for when it ends.

use std::time::Duration;

use tokio::sync::RwLock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::panicked;
use super::pipeline::{JobOutcome, Names, broken};
use super::shutdown::Shutdown;
use super::sink_set::SinkSet;
use super::spec::JobSpec;
use crate::error::{Error, ErrorKind, Fault, Result};

/// Writers may take this long to end after a failure, however late it is.
const LAST_CHANCE: Duration = Duration::from_millis(500);

/// Writers may take this long to count what they let go of.
const LETTING_GO: Duration = Duration::from_secs(1);

/// Sources may take this long to commit and to leave, and less when the time to end is over.
const LAST_WORDS: Duration = Duration::from_secs(5);
const SHORT_WORDS: Duration = Duration::from_secs(1);

/// How long sources may take to say good-bye.
pub(super) fn last_words(shutdown: &Shutdown, timeout: Duration) -> Duration {
    if shutdown.is_requested() { SHORT_WORDS.max(shutdown.left(timeout)).min(LAST_WORDS) } else { LAST_WORDS }
}

/// Jobs that read each other have as long as the one that takes longest.
pub(super) fn longest_timeout<'a>(specs: impl Iterator<Item = &'a JobSpec>) -> Duration {
    specs.map(|spec| spec.shutdown_timeout).max().unwrap_or_default()
}

/// Closes the sinks of a job, or leaves them alone when their time is over. Also tells whether an output lacks something.
pub(super) async fn close(
    set: &RwLock<SinkSet>,
    stop: &CancellationToken,
    complete: bool,
    (shutdown, timeout, at_most): (&Shutdown, Duration, Duration),
) -> (Result<()>, bool) {
    let closing = async {
        let mut set = set.write().await;
        let closed = set.close(complete).await;
        (closed, set.incomplete)
    };
    let mut closing = Box::pin(closing);
    if let Some(closed) = tokio::time::timeout(at_most, shutdown.bound(&mut closing, timeout, LAST_CHANCE)).await.ok().flatten() {
        return closed;
    }
    stop.cancel();
    let let_go = tokio::time::timeout(LETTING_GO, closing).await.ok();
    // A writer that hangs is left alone; the process ends without it.
    if let_go.is_none()
        && let Ok(mut set) = set.try_write()
    {
        set.leave();
    }
    (Err(late(timeout)), let_go.is_none_or(|(_, incomplete)| incomplete))
}

/// Waits for a pipeline; once it is asked to end, no longer than its time and what sinks and sources get to let go. One that is still computing then is left alone.
pub(super) async fn supervised(run: JoinHandle<Vec<JobOutcome>>, names: Names, shutdown: Shutdown, timeout: Duration) -> Vec<JobOutcome> {
    match shutdown.bound_with_grace(run, timeout, LAST_CHANCE + LETTING_GO + SHORT_WORDS).await {
        Some(ended) => ended.unwrap_or_else(|error| broken(names, panicked(&error.to_string()))),
        None => broken(names, late(timeout)),
    }
}

/// Waits for a driver; once the run is asked to end, no longer than `timeout`.
pub(super) async fn within<T>(driver: impl Future<Output = Result<T, (usize, Error)>>, shutdown: &Shutdown, timeout: Duration) -> Result<T, (usize, Error)> {
    shutdown.bound(driver, timeout, Duration::ZERO).await.unwrap_or_else(|| Err((0, late(timeout))))
}

pub(super) fn late(timeout: Duration) -> Error {
    Error::new(ErrorKind::Limit, Fault::External, format!("not drained within {} s", timeout.as_secs_f64())).with_help("raise 'shutdown.timeout'")
}
