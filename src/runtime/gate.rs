//! Pipelines that start together, or not at all: nothing of a script is started before the sinks of all of it are open.

use std::sync::Arc;

use tokio::sync::watch;

/// Passed by all pipelines of a deployment, or by none. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<Awaited>>);

#[derive(Debug)]
struct Awaited {
    /// Pipelines that still open their sinks.
    missing: usize,
    refused: bool,
}

/// What one pipeline has to do with it. Dropped, it is waited for no more: it has failed, or was stopped.
pub(super) struct AtGate {
    gate: Gate,
    is_awaited: bool,
}

impl Gate {
    /// For so many pipelines.
    pub fn of(pipelines: usize) -> Self {
        Self(Arc::new(watch::Sender::new(Awaited { missing: pipelines, refused: false })))
    }

    /// For one of them.
    pub(super) fn one(&self) -> AtGate {
        AtGate { gate: self.clone(), is_awaited: true }
    }
}

impl AtGate {
    /// Its sinks are open. Waits until those of the others are; false if one was refused.
    pub(super) async fn pass(&mut self) -> bool {
        self.leave(false);
        let mut changes = self.gate.0.subscribe();
        // The sender lives as long as this.
        changes.wait_for(|awaited| awaited.refused || awaited.missing == 0).await.is_ok_and(|awaited| !awaited.refused)
    }

    /// It is refused, and so are the others.
    pub(super) fn refuse(&mut self) {
        self.leave(true);
    }

    fn leave(&mut self, refused: bool) {
        let awaited = std::mem::replace(&mut self.is_awaited, false);
        self.gate.0.send_modify(|gate| {
            gate.missing = gate.missing.saturating_sub(usize::from(awaited));
            gate.refused |= refused;
        });
    }
}

impl Drop for AtGate {
    fn drop(&mut self) {
        self.leave(false);
    }
}
