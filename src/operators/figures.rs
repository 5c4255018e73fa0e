//! What an operator with state tells of itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::changes::Saved;
use super::event_time::Mark;

/// Figures of one operator; moved by the operator, read at any time.
#[derive(Debug)]
pub struct OperatorFigures {
    name: String,
    rows_in: AtomicU64,
    rows_out: AtomicU64,
    late: AtomicU64,
    state_rows: AtomicU64,
    state_bytes: AtomicU64,
    watermark: AtomicI64,
    epoch: AtomicU64,
    oldest: AtomicU64,
    /// Not kept alive by who only looks at figures.
    saved: Option<Weak<dyn Saved>>,
}

/// What an operator holds between epochs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub rows: usize,
    pub bytes: usize,
    /// The epoch in which the oldest of the rows came.
    pub oldest: Option<u64>,
    /// Microseconds since 1970 up to which its results are complete.
    pub watermark: i64,
}

impl OperatorFigures {
    /// Figures of an operator called `name` in plans and messages.
    pub fn new(name: String) -> Self {
        let zero = AtomicU64::default;
        let watermark = AtomicI64::new(Mark::BEGINNING);
        let (epoch, oldest) = (zero(), AtomicU64::new(u64::MAX));
        Self { name, rows_in: zero(), rows_out: zero(), late: zero(), state_rows: zero(), state_bytes: zero(), watermark, epoch, oldest, saved: None }
    }

    /// Those of an operator with this state.
    pub(super) fn of(name: String, state: &Arc<dyn Saved>) -> Self {
        Self { saved: Some(Arc::downgrade(state)), ..Self::new(name) }
    }

    /// Its state, for saving it, as long as there is a plan of it.
    pub fn saved(&self) -> Option<Arc<dyn Saved>> {
        self.saved.as_ref()?.upgrade()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts rows that came in, rows that went out, and rows whose result had been closed.
    pub(super) fn count(&self, rows_in: usize, rows_out: usize, late: usize) {
        self.rows_in.fetch_add(rows_in as u64, Ordering::Relaxed);
        self.rows_out.fetch_add(rows_out as u64, Ordering::Relaxed);
        self.late.fetch_add(late as u64, Ordering::Relaxed);
    }

    /// Takes note of what it holds, and of how far its time has come.
    pub(super) fn hold(&self, held: Held) {
        self.state_rows.store(held.rows as u64, Ordering::Relaxed);
        self.state_bytes.store(held.bytes as u64, Ordering::Relaxed);
        self.watermark.store(held.watermark, Ordering::Relaxed);
        self.oldest.store(held.oldest.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// An epoch begins.
    pub fn begin(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// The present epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// The epoch in which the oldest of the rows came that it holds: what was read from then on is needed again if they are lost.
    pub fn oldest(&self) -> Option<u64> {
        let oldest = self.oldest.load(Ordering::Relaxed);
        (oldest != u64::MAX).then_some(oldest)
    }

    /// Rows that came in and that went out.
    pub fn rows(&self) -> (u64, u64) {
        (self.rows_in.load(Ordering::Relaxed), self.rows_out.load(Ordering::Relaxed))
    }

    /// Rows that came too late.
    pub fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// Rows and bytes it holds.
    pub fn state(&self) -> (u64, u64) {
        (self.state_rows.load(Ordering::Relaxed), self.state_bytes.load(Ordering::Relaxed))
    }

    /// Microseconds since 1970 up to which its results are complete; `None` at the beginning and at the end of time.
    pub fn watermark(&self) -> Option<i64> {
        let time = self.watermark.load(Ordering::Relaxed);
        (time != Mark::BEGINNING && time != Mark::END).then_some(time)
    }
}
