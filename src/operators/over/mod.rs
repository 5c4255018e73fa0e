//! Functions `OVER (PARTITION BY … ORDER BY …)` a stream: each row comes out once, with what was computed of it and of the rows before it.
//!
//! Rows wait until the time that they are ordered by has come: no earlier one can then come any more, so that the order within a key is final, however the rows arrived. Rows of a key that are equal in their
//! order are put in the order of their values, so that it is total. Of the rows that have come out, as many are kept for each key as the functions look back at; for functions that look back at all of them
//! (`ROW_NUMBER`, `sum(…)` so far) an accumulator is kept instead. If the time is one of the things that rows are partitioned by, whole partitions wait until it is over, and anything can be computed of them.
//!
//! ```text
//!   temp - LAG(temp) OVER (PARTITION BY device ORDER BY ts)              watermark of ts: 10:00:03
//!
//!   arrived: a 10:00:02 t=7 | a 10:00:01 t=5 | a 10:00:04 t=9            kept of a: 10:00:00 t=4
//!   out:     a 10:00:01 5-4 | a 10:00:02 7-5                             kept of a: 10:00:02 t=7; 10:00:04 waits
//! ```
//! - `function`: what is computed
//! - `waiting`: rows whose time has not come
//! - `ordered`: rows that have come, by key and in order
//! - `history`: the rows of each key that are looked back at
//! - `compute`, `framed`: the values of the functions
//! - `saving`: what is kept as tables, and back
//! - `state`: all of it, and one epoch
//! - `exec`: the plan node

mod compute;
mod exec;
mod framed;
mod function;
mod history;
mod ordered;
mod saving;
mod state;
#[cfg(test)]
mod tests;
mod waiting;

pub use exec::OverExec;
pub use function::{Function, LookBack, OverSpec, Release, can_be_moved, follow_each_other};
pub(super) use ordered::{Part, by_key};
