//! Jobs that start and stop together: one, or those of a script that read each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::deploy::PreparedJob;
use crate::error::Script;
use crate::runtime::Shutdown;

/// Where the jobs of a unit come from, for starting them again.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub script: Arc<Script>,
    /// Places of their statements in the script.
    pub statements: Vec<usize>,
    /// Names of all statements of the script that have none, by place.
    pub names: Vec<String>,
}

/// Jobs that can be started together.
pub(super) struct Group {
    pub jobs: Vec<PreparedJob>,
    pub origin: Origin,
    /// Names of their sources that may be jobs of other units.
    pub reads: Vec<String>,
}

/// A run of such jobs.
#[derive(Debug)]
pub(super) struct Unit {
    /// Names of the jobs.
    pub members: Vec<String>,
    pub origin: Origin,
    /// Jobs of other units that they read.
    pub reads: Vec<String>,
    pub shutdown: Shutdown,
    stopping: AtomicBool,
    ended: watch::Sender<bool>,
}

impl Unit {
    pub(super) fn new(members: Vec<String>, origin: Origin, reads: Vec<String>) -> Self {
        Self { members, origin, reads, shutdown: Shutdown::new(), stopping: AtomicBool::new(false), ended: watch::Sender::new(false) }
    }

    /// Asks it to stop.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.shutdown.request();
    }

    /// Whether it was asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// It has ended.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Whether it runs.
    pub(super) fn is_active(&self) -> bool {
        !*self.ended.borrow()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this.
        let mut changes = self.ended.subscribe();
        let _value = changes.wait_for(|ended| *ended).await;
    }
}
