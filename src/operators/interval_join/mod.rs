//! Two streams joined by key and by time: rows pair whose times differ by no more than the bounds allow.
//!
//! A symmetric hash join (Wilschut and Apers, "Dataflow query execution in a parallel main-memory environment", 1991) over buckets of time: each side keeps its rows in buckets of
//! equal width, each bucket with a hash index of its own. A row looks into the buckets of the other side that its bounds reach, then goes into its own. A bucket that no row to come
//! can reach is dropped as a whole.
//!
//! ```text
//!   clicks c JOIN orders o ON c.user = o.user, o within 10 s after c          watermarks: clicks 10:00:20, orders 10:00:14
//!
//!   clicks   10:00:01 u1 | 10:00:05 u2 | 10:00:18 u1                  ──> u1 at :01 can be reached by orders up to :11 only: closed
//!   orders   10:00:03 u1 | 10:00:14 u2                                     u2 at :05 by orders up to :15, and :14 has come: open
//!
//!   (10:00:01 u1, 10:00:03 u1)   in the epoch in which the later one of them comes
//!   LEFT JOIN: a click without partner comes out with NULLs as soon as it is closed: once, and never if it has had a partner
//! ```
//! A row is **late** if a partner that it might have had is gone, or has been told to have none; it is counted and left out as a whole. A row behind the watermark of its own source
//! is not, as long as the other side is further behind.
//! - `bounds`: which differences of time make a pair
//! - `kind`: SQL's join types in terms of the two sides
//! - `rows`: rows kept together, in few batches
//! - `bucket`: rows of one stretch of time, with their index
//! - `arrival`: the rows of a batch on their way in
//! - `side`: the buckets of one side, and its rows that wait to be closed
//! - `pairs`: candidates to pairs, pairs to rows
//! - `saving`: a side as tables, and back
//! - `state`: both sides, and one epoch
//! - `exec`: the plan node

mod arrival;
mod bounds;
mod bucket;
mod exec;
mod kind;
mod pairs;
mod rows;
mod saving;
mod side;
mod state;

pub use bounds::TimeBounds;
pub use exec::{IntervalJoinExec, IntervalJoinSpec, Residual, SideSpec};
pub use kind::JoinSide;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
