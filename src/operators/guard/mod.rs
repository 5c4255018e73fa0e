//! Filter and projection that survive a row whose expression fails (division by zero, a cast that does not fit). DataFusion's own fail the whole batch; these halve the batch
//! until the failing rows stand alone, hand those to the [`RowFaults`] of the job, and go on with the others in order.
//! - `faults`: what becomes of a failing row
//! - `bisect`: the halving
//! - `together`: how many rows are computed together
//! - `filter`, `projection`: the plan nodes
//! - `counted`, `lists`: around UNNEST, counts, and long lists a few at a time

mod bisect;
mod counted;
mod faults;
mod filter;
mod lists;
mod projection;
mod together;

pub(crate) use bisect::evaluate_guarded;
pub use counted::{CountedExec, CountedSide};
pub use faults::{RowCounts, RowFaults};
pub use filter::GuardedFilterExec;
pub use projection::GuardedProjectionExec;
