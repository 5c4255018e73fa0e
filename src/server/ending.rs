//! How everything is stopped: first what nobody waits for, so that jobs which read others get their last rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::status::JobState;
use super::stream_job_server::{Inner, StreamJobServer};
use super::unit::Unit;
use crate::error::{Error, ErrorKind, Fault, Result};

/// How often it is looked whether the readers of a job have its last rows.
const LOOK: Duration = Duration::from_millis(10);

impl StreamJobServer {
    /// Stops all jobs: they finish what they have read, jobs that read others get the last rows of these. Paused ones go on for that. Nothing is started any more, and what is being
    /// deployed is refused. Takes no longer than the server's `shutdown_timeout`, but
    /// for the few seconds in which sinks let go of what they have, whatever the `shutdown.timeout` of a job is.
    ///
    /// **Errors**: a job failed at its end, or rows of one did not reach the jobs that read it; which.
    pub async fn shutdown(&self) -> Result<()> {
        {
            let _state = self.inner.state.lock();
            self.inner.closed.cancel();
        }
        if self.inner.engine.started().is_none() {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        self.inner.engine.run(async move { inner.end().await }).await?
    }
}

impl Inner {
    async fn end(&self) -> Result<()> {
        let units = self.active();
        // A job may wait for one that reads it and is paused.
        let deadline = Instant::now().checked_add(self.settings.shutdown_timeout);
        units.iter().for_each(|unit| {
            deadline.into_iter().for_each(|deadline| unit.shutdown.end_by(deadline));
            unit.shutdown.resume();
        });
        // Which jobs were at their end before says nothing about this.
        let ending: Vec<String> = units.iter().flat_map(|unit| unit.members.clone()).collect();
        let mut unread = Vec::new();
        if tokio::time::timeout(self.settings.shutdown_timeout, self.stop_in_order(units)).await.is_err() {
            unread = self.unread(&ending);
            let left = self.active();
            left.iter().for_each(|unit| unit.stop());
            futures::future::join_all(left.iter().map(|unit| unit.ended())).await;
        }
        let failed = |name: &&String| self.with_job(name, |job| job.state() == JobState::Failed).is_ok_and(|failed| failed);
        let failed: Vec<&str> = ending.iter().filter(failed).map(String::as_str).collect();
        let mut told = Vec::new();
        if !failed.is_empty() {
            told.push(format!("these jobs have not finished: {}", failed.join(", ")));
        }
        if !unread.is_empty() {
            told.push(format!("the last rows of these have not reached the jobs that read them: {}", unread.join(", ")));
        }
        if told.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Limit, Fault::External, told.join("; ")).with_help("status() of each says why"))
    }

    pub(super) fn active(&self) -> Vec<Arc<Unit>> {
        let state = self.state.lock();
        let mut units: Vec<Arc<Unit>> = Vec::new();
        for job in state.jobs.values().filter(|job| job.unit.is_active()) {
            if !units.iter().any(|unit| Arc::ptr_eq(unit, &job.unit)) {
                units.push(Arc::clone(&job.unit));
            }
        }
        units
    }

    async fn stop_in_order(&self, mut units: Vec<Arc<Unit>>) {
        while !units.is_empty() {
            let waits = |unit: &Arc<Unit>| units.iter().any(|other| unit.reads.iter().any(|read| other.members.contains(read)));
            let (waiting, ready): (Vec<_>, Vec<_>) = units.iter().cloned().partition(waits);
            // Jobs can't read each other in a circle, but if they did all would be stopped.
            let (now, rest) = if ready.is_empty() { (waiting, ready) } else { (ready, waiting) };
            now.iter().for_each(|unit| unit.stop());
            futures::future::join_all(now.iter().map(|unit| unit.ended())).await;
            let members: Vec<String> = now.iter().flat_map(|unit| unit.members.clone()).collect();
            while !self.unread(&members).is_empty() {
                tokio::time::sleep(LOOK).await;
            }
            units = rest;
        }
    }

    /// Which of these jobs have rows that wait for a reader.
    fn unread(&self, names: &[String]) -> Vec<String> {
        let state = self.state.lock();
        let waits = |name: &&String| state.jobs.get(*name).is_some_and(|job| !job.tap.is_read_out());
        names.iter().filter(waits).cloned().collect()
    }
}
