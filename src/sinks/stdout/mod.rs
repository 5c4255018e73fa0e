//! Standard output: an aligned table for people, JSON lines or CSV for programs.
//! - `table`: rows in aligned columns
//! - `sink`: the sink

mod sink;
mod table;

pub use sink::{OutputFormat, SharedOutput, StdoutSink, is_closed_pipe};
