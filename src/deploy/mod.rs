//! Bound statements to jobs that can run. In reading order:
//! - `claims`: who reads and writes what; outputs that collide
//! - `prepare`: sources, plans and sinks of a script, all faults reported at once
//! - `groups`: consumer groups that sources of a script would share
//! - `create`: the sources and sinks of one statement
//! - `offline`: sources that are only declared, for checks without their files
//! - `checkpoint`: which jobs are recorded, and where
//! - `mode`: how the statements of a pipeline are executed
//! - `explain`: what would be run

mod checkpoint;
mod claims;
mod create;
mod explain;
mod groups;
mod mode;
mod offline;
mod prepare;

pub use claims::Claims;
pub use explain::{Described, ExplainedSetting, Explanation, Operator, Plans, explain};
pub use groups::GROUP_BASE;
pub use prepare::{Look, Note, PrepareRequest, Prepared, PreparedJob, UnplannedJob, prepare};
