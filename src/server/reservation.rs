//! What a deployment needs is kept for it while it connects, so that others need not wait for that.

use std::sync::Arc;

use super::stream_job_server::Inner;
use super::unit::Unit;
use crate::error::{Error, Result};

/// Names of jobs that are being started, started again or removed; nobody else does that at the same time.
pub(super) struct Reservation {
    server: Arc<Inner>,
    pub names: Vec<String>,
    /// Their outputs and inputs are claimed, though nothing was started yet.
    pub claimed: bool,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.server.state.lock();
        for name in &self.names {
            state.reserved.remove(name);
            if self.claimed {
                state.claims.forget(name);
            }
        }
        drop(state);
        self.server.released.notify_waiters();
    }
}

impl Inner {
    /// Nothing is reserved yet.
    pub(super) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { server: Arc::clone(self), names: Vec::new(), claimed: false }
    }

    /// A unit that nobody else is changing.
    pub(super) async fn alone(self: &Arc<Self>, name: &str) -> Result<(Arc<Unit>, Reservation)> {
        loop {
            let mut released = std::pin::pin!(self.released.notified());
            released.as_mut().enable();
            let unit = self.unit(name)?;
            if let Some(reservation) = self.try_reserve(&unit) {
                return Ok((unit, reservation));
            }
            released.await;
        }
    }

    fn try_reserve(self: &Arc<Self>, unit: &Unit) -> Option<Reservation> {
        let mut state = self.state.lock();
        if unit.members.iter().any(|member| state.reserved.contains_key(member)) {
            return None;
        }
        state.reserved.extend(unit.members.iter().map(|member| (member.clone(), unit.reads.clone())));
        Some(Reservation { server: Arc::clone(self), names: unit.members.clone(), claimed: false })
    }

    /// What is not to be done any more once the server is shut down.
    pub(super) async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(shut_down()),
            done = work => Ok(done),
        }
    }

    /// **Errors**: the server is shut down.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.is_cancelled() { Err(shut_down()) } else { Ok(()) }
    }
}

fn shut_down() -> Error {
    Error::config("the server was shut down; it starts nothing any more")
}
