//! How everything is stopped: first what nobody waits for, so that jobs which read others get their last rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::status::JobState;
use super::stream_job_server::{Inner, StreamJobServer};
use super::unit::Unit;
use crate::error::{Error, ErrorKind, Fault, Result};

/// How often it is looked whether the readers of a job have its last rows.
const LOOK: Duration = Duration::from_millis(10);

impl StreamJobServer {
    /// Stops all jobs: they finish what they have read, jobs that read others get the last rows of these. Nothing is started any more. Takes no longer than the server's
    /// `shutdown_timeout` and the `shutdown.timeout` of the jobs that are left then.
    ///
    /// **Errors**: a job failed at its end; which.
    pub async fn shutdown(&self) -> Result<()> {
        self.inner.state.lock().closed = true;
        let _alone = self.inner.changing.lock().await;
        let units = self.inner.active();
        // Which jobs were at their end before says nothing about this.
        let ending: Vec<String> = units.iter().flat_map(|unit| unit.members.clone()).collect();
        let deadline = Instant::now() + self.inner.settings.shutdown_timeout;
        let in_order = tokio::time::timeout_at(deadline, self.inner.stop_in_order(units)).await;
        if in_order.is_err() {
            let left = self.inner.active();
            left.iter().for_each(|unit| unit.stop());
            futures::future::join_all(left.iter().map(|unit| unit.ended())).await;
        }
        let failed: Vec<String> = ending.into_iter().filter(|name| self.status(name).is_ok_and(|status| status.status == JobState::Failed)).collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Limit, Fault::External, format!("these jobs have not finished: {}", failed.join(", ")))
            .with_help("status() of each says why"))
    }
}

impl Inner {
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
            now.iter().for_each(|unit| {
                unit.shutdown.resume();
                unit.stop();
            });
            futures::future::join_all(now.iter().map(|unit| unit.ended())).await;
            rest.iter().for_each(|unit| unit.shutdown.resume());
            while !self.are_read_out(&now) {
                tokio::time::sleep(LOOK).await;
            }
            units = rest;
        }
    }

    fn are_read_out(&self, units: &[Arc<Unit>]) -> bool {
        let state = self.state.lock();
        let members = units.iter().flat_map(|unit| &unit.members);
        members.filter_map(|member| state.jobs.get(member)).all(|job| job.tap.is_read_out())
    }
}
