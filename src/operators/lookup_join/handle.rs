//! The table's present version and which of its rows have matched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use datafusion::error::{DataFusionError, Result};
use parking_lot::{Mutex, RwLock};

use super::table::LookupTable;

/// State of one lookup join, shared between its plan node and the driver. The driver loads the table before the first epoch, may swap it between epochs, and announces the
/// last epoch.
#[derive(Debug, Default)]
pub struct LookupHandle {
    table: RwLock<Option<Arc<LookupTable>>>,
    version: AtomicU64,
    matched: Mutex<Vec<bool>>,
    stream_had_rows: AtomicBool,
    stream_had_null: AtomicBool,
    last_epoch: AtomicBool,
}

impl LookupHandle {
    /// Puts a new version; takes effect with the next execution.
    pub fn load(&self, table: LookupTable) {
        *self.matched.lock() = Vec::new();
        *self.table.write() = Some(Arc::new(table));
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of the version; 0 before the first.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// The present version.
    pub fn table(&self) -> Result<Arc<LookupTable>> {
        self.table.read().clone().ok_or_else(|| DataFusionError::Internal("a lookup join ran before its table was loaded".to_owned()))
    }

    /// The next execution is the last one: table rows that never matched come out.
    pub fn announce_last_epoch(&self) {
        self.last_epoch.store(true, Ordering::Relaxed);
    }

    /// Whether the last epoch has been announced.
    pub fn is_last_epoch(&self) -> bool {
        self.last_epoch.load(Ordering::Relaxed)
    }

    /// Marks table rows as matched and returns those that had not been, in the order given.
    pub(super) fn mark(&self, table: &LookupTable, rows: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut matched = self.matched.lock();
        matched.resize(table.rows().num_rows(), false);
        rows.filter(|row| !std::mem::replace(&mut matched[*row as usize], true)).collect()
    }

    /// Takes note of stream rows, at least one, for a `NOT IN` that is answered at the end: `with_null` if the key of one of them is NULL.
    pub(super) fn saw_stream_rows(&self, with_null: bool) {
        self.stream_had_rows.store(true, Ordering::Relaxed);
        self.stream_had_null.fetch_or(with_null, Ordering::Relaxed);
    }

    /// Whether the stream has had a row, and whether it has had one with a NULL key.
    pub(super) fn stream_rows(&self) -> (bool, bool) {
        (self.stream_had_rows.load(Ordering::Relaxed), self.stream_had_null.load(Ordering::Relaxed))
    }

    /// Whether each table row has matched.
    pub(super) fn matched(&self, table: &LookupTable) -> Vec<bool> {
        let mut matched = self.matched.lock().clone();
        matched.resize(table.rows().num_rows(), false);
        matched
    }
}
