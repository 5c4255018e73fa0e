//! Refuses what may not be executed again and again. Default-deny: an operator that is not on the list is refused, whatever it says of itself, since most of DataFusion's operators
//! give silently wrong rows when a plan is executed once per epoch (a `LIMIT 10` would let ten rows through in *each* epoch).

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use crate::error::{Error, Result};

/// Operators that yield the same rows for any cut of their input into epochs. Each is here because it works row by row, or because it is ours and keeps its state between epochs.
pub(super) const ALLOWED: [&str; 14] = [
    "SourceExec",
    "GuardedFilterExec",
    "GuardedProjectionExec",
    "LookupJoinExec",
    "StreamLimitExec",
    "OnceExec",
    "UnionExec",
    "UnnestExec",
    "CountedExec",
    "IntervalJoinExec",
    "WindowAggregateExec",
    "OverExec",
    "UpdateAggregateExec",
    "SessionAggregateExec",
];
/// Those of them that keep rows: what has come in need not have come out.
const STATEFUL: [&str; 5] = ["IntervalJoinExec", "WindowAggregateExec", "OverExec", "UpdateAggregateExec", "SessionAggregateExec"];

/// Whether every operator of a plan works row by row and counts the rows that it drops or adds.
pub(super) fn is_row_wise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    ALLOWED.contains(&plan.name()) && !STATEFUL.contains(&plan.name()) && plan.children().into_iter().all(is_row_wise)
}

/// What to write instead of the form that an operator stands for.
fn advice(operator: &str) -> &'static str {
    const BATCH: &str = "run it over bounded sources with 'execution.mode' = 'batch'";
    match operator {
        "AggregateExec" => "GROUP BY, aggregate functions and DISTINCT would see one epoch only; run it over bounded sources with 'execution.mode' = 'batch'",
        "SortExec" | "SpillingSortExec" | "PartialSortExec" | "SortPreservingMergeExec" => {
            "ORDER BY would sort one epoch only; leave it out, or run it over bounded sources with 'execution.mode' = 'batch'"
        }
        "GlobalLimitExec" | "LocalLimitExec" => {
            "this LIMIT would count in each epoch anew; put it at the end of the statement, or use 'execution.mode' = 'batch'"
        }
        "HashJoinExec" | "NestedLoopJoinExec" | "CrossJoinExec" | "SortMergeJoinExec" | "SymmetricHashJoinExec" | "PiecewiseMergeJoinExec" => {
            "this join would forget one epoch's rows in the next; let one side be a bounded table, or use 'execution.mode' = 'batch'"
        }
        "WindowAggExec" | "BoundedWindowAggExec" => "OVER (…) would see one epoch only; run it over bounded sources with 'execution.mode' = 'batch'",
        "RecursiveQueryExec" | "WorkTableExec" => {
            "a recursive query would begin anew in each epoch; run it over bounded sources with 'execution.mode' = 'batch'"
        }
        _ => BATCH,
    }
}

/// Checks a plan for stream mode.
pub(super) fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    if !ALLOWED.contains(&plan.name()) {
        return Err(Error::sql(format!("this statement can't be run as a stream: {} gives other rows when its input comes in pieces", plan.name()))
            .with_help(advice(plan.name())));
    }
    plan.children().into_iter().try_for_each(check)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
