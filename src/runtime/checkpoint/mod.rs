//! What a run is resumed from after it has fallen: records of how far its inputs were read, and of what its operators kept by then. In reading order:
//! - `record`: a record as bytes
//! - `folder`: the files of the records
//! - `resume`: how a run goes on from them
//! - `keeper`: takes records, writes them when the sinks have made everything durable that is not in them, and puts old ones together
//!
//! A record holds changes since the one before, and now and then all records are put together into one (a base), so that there are few and what is not kept any more is not stored
//! either. A record counts only if nothing of what came out before it can be lost: it is written when every sink has acknowledged its epoch.

mod folder;
mod keeper;
mod record;
mod resume;

pub(super) use keeper::Keeper;
pub(super) use record::InputState;
pub(super) use resume::{Opened, open, resume};

use std::path::PathBuf;
use std::time::Duration;

/// Where and how often a job is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointSpec {
    /// The folder of the records.
    pub folder: PathBuf,
    /// How often one is taken.
    pub interval: Duration,
    /// What the job does, in words that are the same for every run of it.
    pub statement: String,
}
