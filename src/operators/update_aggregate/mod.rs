//! Rows grouped without a window of time: a group is never over, so that each epoch hands out what the groups that it has touched have come to. The last row of a group is what a batch would give.
//!
//! ```text
//!   SELECT k, count(*) AS n … GROUP BY k
//!
//!   epoch 1: a a b      out: a 2 | b 1
//!   epoch 2: a          out: a 3
//! ```
//! Each group has an accumulator for each aggregate (DataFusion's `Accumulator`, whose value can be had again and again; a `GroupsAccumulator` forgets it).
//! - `state`: all groups, and one epoch
//! - `exec`: the plan node

mod exec;
mod state;

pub use exec::{Idle, UpdateAggregateExec, UpdateAggregateSpec};
