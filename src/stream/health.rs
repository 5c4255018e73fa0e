//! The state of a source's or sink's connection, written by the connector and read by whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;

/// Whether a connector can work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ConnectionState {
    /// It works.
    #[default]
    Connected,
    /// The other side does not answer; the connector goes on trying.
    Reconnecting,
    /// It has given up.
    Failed,
    /// It has ended.
    Disconnected,
}

/// What is known of a connection at one time.
#[derive(Clone, Debug, Serialize)]
pub struct HealthReport {
    /// Its state.
    pub state: ConnectionState,
    /// Since when.
    pub since: SystemTime,
    /// The last error, and when it happened.
    pub last_error: Option<(SystemTime, String)>,
    /// By partition: records that wait to be read.
    pub lag: BTreeMap<Arc<str>, u64>,
}

/// The state of a connection.
#[derive(Debug)]
pub struct Health {
    report: Mutex<HealthReport>,
    /// Something besides the connection is away.
    held: AtomicBool,
    /// What is read: topics with numbers of partitions.
    partitions: Mutex<Arc<[SourcePartition]>>,
}

/// A topic and the number of one of its partitions.
pub type SourcePartition = (Arc<str>, i32);

impl Default for Health {
    fn default() -> Self {
        Self {
            report: Mutex::new(HealthReport { state: ConnectionState::Connected, since: SystemTime::now(), last_error: None, lag: BTreeMap::new() }),
            held: AtomicBool::new(false),
            partitions: Mutex::new(Arc::new([])),
        }
    }
}

impl Health {
    fn enter(&self, state: ConnectionState) -> bool {
        let mut report = self.report.lock();
        if report.state == state {
            return false;
        }
        report.state = state;
        report.since = SystemTime::now();
        true
    }

    /// Nothing is open yet.
    pub(crate) fn closed() -> Self {
        let health = Self::default();
        health.ended();
        health
    }

    /// It works (again); true if that is news.
    pub fn connected(&self) -> bool {
        !self.held.load(Ordering::Acquire) && self.enter(ConnectionState::Connected)
    }

    /// It is open, unless it has said otherwise since.
    pub(crate) fn opened(&self) {
        if self.report.lock().state == ConnectionState::Disconnected {
            self.enter(ConnectionState::Connected);
        }
    }

    /// Something else that it takes, such as a schema registry, does not answer; true if that is news.
    pub fn hold(&self, reason: &str) -> bool {
        self.held.store(true, Ordering::Release);
        self.reconnecting(reason)
    }

    /// That answers again; true if everything works now, and that is news.
    pub fn release(&self) -> bool {
        self.held.store(false, Ordering::Release);
        self.connected()
    }

    /// The connection was lost; true if that is news.
    pub fn reconnecting(&self, reason: &str) -> bool {
        self.note_error(reason);
        self.enter(ConnectionState::Reconnecting)
    }

    /// It is not tried any more.
    pub fn failed(&self, reason: &str) {
        self.note_error(reason);
        self.enter(ConnectionState::Failed);
    }

    /// It has ended.
    pub fn ended(&self) {
        self.enter(ConnectionState::Disconnected);
    }

    /// Takes note of an error that does not change the state.
    pub fn note_error(&self, reason: &str) {
        self.report.lock().last_error = Some((SystemTime::now(), reason.to_owned()));
    }

    /// Sets the lag of partitions; those that are not named have none any more.
    pub fn set_lag(&self, lag: Vec<(Arc<str>, u64)>) {
        self.report.lock().lag = lag.into_iter().collect();
    }

    /// Sets the partitions that are read; those that have no rows yet hold back the time of the source.
    pub fn set_partitions(&self, partitions: impl Iterator<Item = SourcePartition>) {
        *self.partitions.lock() = partitions.collect();
    }

    /// The partitions that are read, as far as the reader has them.
    pub fn partitions(&self) -> Arc<[SourcePartition]> {
        Arc::clone(&self.partitions.lock())
    }

    /// Whether the connection is lost at present.
    pub fn is_reconnecting(&self) -> bool {
        self.report.lock().state == ConnectionState::Reconnecting
    }

    /// The text of the last error.
    pub fn last_error(&self) -> Option<String> {
        self.report.lock().last_error.as_ref().map(|(_, text)| text.clone())
    }

    /// What is known now.
    pub fn report(&self) -> HealthReport {
        self.report.lock().clone()
    }
}
