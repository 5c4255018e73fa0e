//! What becomes of a row whose expression fails, and the counts of a job's rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use datafusion::error::{DataFusionError, Result};
use parking_lot::Mutex;

use super::counted::CountedSide;

/// Row counts of one job, moved by its operators.
#[derive(Debug, Default)]
pub struct RowCounts {
    /// Rows that a filter or a join without partner left out.
    pub filtered: AtomicU64,
    /// Rows that a join with several partners or UNNEST added.
    pub expanded: AtomicU64,
    /// Rows whose expression failed.
    pub rejected: AtomicU64,
    /// Rows that came out of UNNEST less those that went in.
    unnested: AtomicI64,
}

impl RowCounts {
    /// Counts rows on one side of UNNEST.
    pub(super) fn unnested(&self, side: CountedSide, rows: usize) {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        self.unnested.fetch_add(if side == CountedSide::OutOf { rows } else { -rows }, Ordering::Relaxed);
    }

    /// Rows left out so far.
    pub fn total_filtered(&self) -> u64 {
        self.filtered.load(Ordering::Relaxed) + self.unnested.load(Ordering::Relaxed).min(0).unsigned_abs()
    }

    /// Rows added so far.
    pub fn total_expanded(&self) -> u64 {
        self.expanded.load(Ordering::Relaxed) + self.unnested.load(Ordering::Relaxed).max(0).unsigned_abs()
    }

    /// Counts an operator that made `after` rows out of `before`.
    pub fn changed(&self, before: usize, after: usize) {
        if after < before {
            self.filtered.fetch_add((before - after) as u64, Ordering::Relaxed);
        } else if after > before {
            self.expanded.fetch_add((after - before) as u64, Ordering::Relaxed);
        }
    }
}

/// Collects the failing rows of an epoch.
#[derive(Debug)]
pub struct RowFaults {
    tolerate: bool,
    reasons: Mutex<Vec<String>>,
    counts: RowCounts,
    /// Those of the job's tables, whose rows are not the job's input.
    tables: Option<Arc<RowFaults>>,
}

/// Reasons kept until the driver takes them; further rows are counted only.
const MOST_REASONS: usize = 100;

impl RowFaults {
    /// With `tolerate`, failing rows are counted and left out; without, the first one fails the execution.
    pub fn new(tolerate: bool) -> Self {
        let own = |tables| Self { tolerate, reasons: Mutex::default(), counts: RowCounts::default(), tables };
        own(Some(Arc::new(own(None))))
    }

    /// The failing rows of the job's tables.
    pub fn of_tables(self: &Arc<Self>) -> &Arc<Self> {
        self.tables.as_ref().unwrap_or(self)
    }

    /// The job's counts.
    pub fn counts(&self) -> &RowCounts {
        &self.counts
    }

    /// Takes note of one failing row, or fails.
    pub(crate) fn reject(&self, expression: &str, cause: DataFusionError) -> Result<()> {
        let reason = format!("{expression}: {}", plain(&cause));
        if !self.tolerate {
            return Err(DataFusionError::External(Box::new(
                crate::error::Error::new(crate::error::ErrorKind::Record, crate::error::Fault::User, reason)
                    .with_help("set 'failure_strategy' = 'LogAndContinue' to go on without such rows"),
            )));
        }
        self.counts.rejected.fetch_add(1, Ordering::Relaxed);
        let mut reasons = self.reasons.lock();
        if reasons.len() < MOST_REASONS {
            reasons.push(reason);
        }
        Ok(())
    }

    /// The reasons since the last call, for the log.
    pub fn take_reasons(&self) -> Vec<String> {
        let mut reasons = self.reasons.lock();
        if reasons.is_empty() { Vec::new() } else { std::mem::take(&mut *reasons) }
    }
}

/// DataFusion's words without its own prefixes and back traces.
fn plain(error: &DataFusionError) -> String {
    let text = match error.find_root() {
        DataFusionError::ArrowError(inner, _) => inner.to_string(),
        other => other.strip_backtrace(),
    };
    let text = text.lines().next().unwrap_or_default();
    crate::error::excerpt(text.trim_start_matches("Arrow error: ").trim_start_matches("Execution error: "))
}
