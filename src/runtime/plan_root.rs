//! What stands on top of a plan while it runs.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use super::epoch_outputs::EpochOutputs;
use super::pipeline::Part;
use crate::operators::fan_out::{FanOutExec, Outputs};
use crate::operators::limit::{LimitState, StreamLimitExec};

/// The plan with its limit and the fan-out on top.
pub(super) fn with_root(part: &Part, outputs: &Arc<EpochOutputs>) -> (Arc<dyn ExecutionPlan>, Vec<Arc<LimitState>>) {
    let mut root = Arc::clone(&part.spec.plan.root);
    let mut limits = ending_limits(&root);
    if let Some(rows) = part.spec.row_limit {
        let state = Arc::new(LimitState::new(0, rows));
        let own: Arc<dyn ExecutionPlan> = Arc::new(StreamLimitExec::new(root, Arc::clone(&state), Arc::clone(&part.spec.faults)));
        root = own;
        limits.push(state);
    }
    (Arc::new(FanOutExec::new(root, Arc::clone(outputs) as Arc<dyn Outputs>)), limits)
}

/// The limits through which every row of a stream passes: when one of them is reached no further row matters.
fn ending_limits(root: &Arc<dyn ExecutionPlan>) -> Vec<Arc<LimitState>> {
    let mut limits = Vec::new();
    let mut node = root;
    loop {
        limits.extend(node.as_any().downcast_ref::<StreamLimitExec>().map(|limit| Arc::clone(limit.state())));
        match node.children().as_slice() {
            [only] => node = only,
            _ => return limits,
        }
    }
}

/// Whether a plan holds operators that collect metrics of every execution.
pub(super) fn keeps_metrics(node: &Arc<dyn ExecutionPlan>) -> bool {
    matches!(node.name(), "UnionExec" | "UnnestExec" | "CooperativeExec") || node.children().into_iter().any(keeps_metrics)
}
