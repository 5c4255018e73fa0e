//! Rows grouped by a window of time, and by keys: the groups of a window come out once, when its time is over.
//!
//! A window is a column whose value is the instant at which it begins: `date_bin`, `tumble`, an element of `hop`, or any other column of which it is known how far it has come. Each open window has a hash
//! table of its groups, with one accumulator for each aggregate (DataFusion's `GroupValues` and `GroupsAccumulator`), so that a window is closed by handing out its tables and dropping them.
//!
//! ```text
//!   GROUP BY tumble(ts, INTERVAL '1' MINUTE), k            watermark of ts: 10:01:30, so that of the window 10:01:00
//!
//!   10:00   k=a count 3 | k=b count 1     begins before 10:01:00: closed, comes out
//!   10:01   k=a count 2                   open
//!   10:00:59 k=a                          late: its window has come out
//! ```
//! - `rows`: what is computed of rows before they are added
//! - `pane`: the groups of one window
//! - `state`: all open windows, and one epoch
//! - `exec`: the plan node

mod exec;
mod pane;
mod rows;
mod state;

pub use exec::{Aggregate, WindowAggregateExec, WindowAggregateSpec};
pub(super) use rows::{Evaluated, Plan};
pub(super) use state::MOST_ROWS;
pub(in crate::operators) use state::states_of;
