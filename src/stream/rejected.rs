//! Records that could not be used.

use std::fmt;
use std::sync::Arc;

/// Where a record stood in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// File, topic partition or the like, as printed.
    pub partition: Arc<str>,
    /// What `number` counts: `line`, `record`, `row` or `offset`.
    pub unit: &'static str,
    /// Number of the record; lines, records and rows count from 1.
    pub number: u64,
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {}", self.partition, self.unit, self.number)
    }
}

/// One record that a decoder, an expression or a sink refused.
#[derive(Clone, Debug)]
pub struct RejectedRecord {
    /// Where it stood, if that is still known.
    pub place: Option<RecordPlace>,
    /// Why: names the field and its value (cut at 80 characters).
    pub reason: String,
}

impl fmt::Display for RejectedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}
