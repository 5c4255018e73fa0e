//! What we add to DataFusion's algebra, in stream mode only but for `session`. No optimiser rule ever sees the other nodes: they are put into the final optimised plan.
//! - `lookup_join`: a stream joined with a table
//! - `interval_join`: two streams joined by key and by time
//! - `window_aggregate`: rows grouped by a window of time
//! - `update_aggregate`: rows grouped without one
//! - `over`: functions over the rows of keys
//! - `session`: rows grouped by sessions of time, in both modes
//! - `limit`: rows counted over all epochs
//! - `once`: a branch without a stream
//! - `extension_planner`: the nodes' operators

mod extension_planner;
mod interval_join;
mod limit;
mod lookup_join;
mod once;
mod over;
mod session;
mod update_aggregate;
mod window_aggregate;

pub(super) use extension_planner::StreamNodePlanner;
pub(super) use interval_join::IntervalJoinNode;
pub(super) use limit::LimitNode;
pub(super) use lookup_join::LookupJoinNode;
pub(super) use once::OnceNode;
pub(super) use over::{OverCall, OverNode, function_of};
pub(super) use session::{SessionCall, SessionNode};
pub(super) use update_aggregate::UpdateAggregateNode;
pub(super) use window_aggregate::WindowAggregateNode;
