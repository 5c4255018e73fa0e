//! Whether a batch may be stopped in its midst: what it has written by then is the result over the part of the input that was read, or it is no result at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};

use crate::operators::source_slot::SourceExec;

/// The sources that have to be read to their ends; the others may end anywhere. `None`: all of them, since an operator says nothing, or something wrong, before it has seen all of
/// its input.
pub(super) fn must_be_complete(plan: &Arc<dyn ExecutionPlan>) -> Option<BTreeSet<Arc<str>>> {
    let any = plan.as_any();
    // A join of these kinds emits rows of its right side with their partners; the left one is kept in memory, whole.
    let join_type = if let Some(join) = any.downcast_ref::<HashJoinExec>() {
        Some(*join.join_type())
    } else if let Some(join) = any.downcast_ref::<NestedLoopJoinExec>() {
        Some(*join.join_type())
    } else {
        any.downcast_ref::<CrossJoinExec>().map(|_| JoinType::Inner)
    };
    if let Some(join_type) = join_type {
        if !matches!(join_type, JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark) {
            return None;
        }
        let [left, right] = plan.children()[..] else { return None };
        let mut whole = must_be_complete(right)?;
        sources(left, &mut whole);
        return Some(whole);
    }
    match plan.name() {
        "SourceExec" => Some(BTreeSet::new()),
        "FanOutExec"
        | "GuardedFilterExec"
        | "GuardedProjectionExec"
        | "FilterExec"
        | "ProjectionExec"
        | "CountedExec"
        | "UnionExec"
        | "UnnestExec"
        | "CooperativeExec"
        | "CoalescePartitionsExec"
        | "CoalesceBatchesExec" => {
            let mut whole = BTreeSet::new();
            for child in plan.children() {
                whole.extend(must_be_complete(child)?);
            }
            Some(whole)
        }
        _ => None,
    }
}

fn sources(plan: &Arc<dyn ExecutionPlan>, found: &mut BTreeSet<Arc<str>>) {
    if let Some(source) = plan.as_any().downcast_ref::<SourceExec>() {
        found.insert(Arc::clone(source.source()));
    }
    plan.children().into_iter().for_each(|child| sources(child, found));
}
