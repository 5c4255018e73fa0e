//! How far time has come. A watermark is an instant below which no more rows are expected; it moves between epochs, so that the order of rows within one is of no account.
//!
//! ```text
//!   source a, 5 s of disorder      rows up to 10:00:20 ──> watermark 10:00:15 ┐
//!   source b, 5 s of disorder      rows up to 10:00:12 ──> watermark 10:00:07 ┴─> least: 10:00:07
//!   a JOIN b, b within 1 minute after a:  a's time on the output is at least min(10:00:15, 10:00:07 - 1 min), since a row of a that is still to come out has a
//!                                         partner that is still to come
//! ```
//! - `watermark`: the time of a source, and what follows from it for a column further up the plan
//! - `instants`: columns of instants, in the unit of watermarks
//! - `time_queue`: things that are due when the time has come

mod instants;
mod time_queue;
mod watermark;

pub(in crate::operators) use instants::micros;
pub use time_queue::TimeQueue;
pub use watermark::{Bins, Mark, SourceTime, Timeline};
