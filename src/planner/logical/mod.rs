//! What we add to DataFusion's algebra, in stream mode only. No optimiser rule ever sees these nodes: they are put into the final optimised plan.
//! - `lookup_join`: a stream joined with a table
//! - `limit`: rows counted over all epochs
//! - `once`: a branch without a stream
//! - `extension_planner`: the nodes' operators

mod extension_planner;
mod limit;
mod lookup_join;
mod once;

pub(super) use extension_planner::StreamNodePlanner;
pub(super) use limit::LimitNode;
pub(super) use lookup_join::LookupJoinNode;
pub(super) use once::OnceNode;
