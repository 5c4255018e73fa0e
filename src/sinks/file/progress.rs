//! Which rows of a file are safe, and which are lost.

use std::path::Path;

use crate::error::Error;
use crate::ids::Epoch;

/// What was written to a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub rows: u64,
    /// Rows that are not durable, or that nobody can read yet.
    pub unsafe_rows: u64,
    /// The epoch of the first of these.
    pub pending: Option<Epoch>,
    /// The epoch of the last row.
    pub newest: Epoch,
}

impl Progress {
    pub(super) fn took(&mut self, epoch: Epoch, rows: u64) {
        if rows == 0 {
            return;
        }
        self.rows += rows;
        self.unsafe_rows += rows;
        self.pending.get_or_insert(epoch);
        self.newest = epoch;
    }

    pub(super) fn made_durable(&mut self) {
        self.pending = None;
        self.unsafe_rows = 0;
    }
}

/// Rows that were taken and are gone, until somebody counts them.
#[derive(Debug, Default)]
pub(super) struct Losses {
    count: u64,
    /// The epoch of the first of them: nothing from there on is acknowledged until they are counted.
    pub since: Option<Epoch>,
    /// Why, until it is told.
    pub fault: Option<Error>,
}

impl Losses {
    /// A file that could not be completed.
    pub(super) fn file(&mut self, error: Error, path: &Path, progress: Progress) {
        self.count(progress);
        let rows = progress.unsafe_rows;
        let error = if rows == 0 { error } else { error.context(format!("{rows} rows of {} are lost", path.display())) };
        self.fault.get_or_insert(error.with_retry(false));
    }

    /// Rows of a batch whose other rows were taken.
    pub(super) fn rows(&mut self, error: Error, epoch: Epoch, rows: u64) {
        self.count(Progress { unsafe_rows: rows, pending: Some(epoch), ..Progress::default() });
        self.fault.get_or_insert(error.with_retry(false));
    }

    pub(super) fn count(&mut self, progress: Progress) {
        self.count += progress.unsafe_rows;
        self.since = [self.since, progress.pending].into_iter().flatten().min();
    }

    /// Somebody counts them; what comes later may be acknowledged.
    pub(super) fn take(&mut self) -> u64 {
        self.since = None;
        std::mem::take(&mut self.count)
    }
}
