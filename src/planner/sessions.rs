//! Groupings by `session` become nodes of their own before a plan is optimised; everywhere else the function is refused.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Aggregate, Expr, Extension, LogicalPlan};

use super::logical::{SessionCall, SessionNode};
use crate::error::Error;

/// Puts a [`SessionNode`] in the place of every grouping by a session.
pub(super) fn separate(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan
        .transform_up_with_subqueries(|node| match node {
            LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|group| SessionCall::of(group).is_some()) => {
                Ok(Transformed::yes(LogicalPlan::Extension(Extension { node: Arc::new(grouping(aggregate)?) })))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()?;
    plan.apply_with_subqueries(|node| {
        check(node)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(plan)
}

fn grouping(aggregate: Aggregate) -> Result<SessionNode> {
    let node = SessionNode { aggregate, time: None };
    let mut calls = node.calls();
    let first = calls.next();
    if first.is_some_and(|first| calls.any(|other| (other.instant, other.gap) != (first.instant, first.gap))) {
        return Err(refused("rows can be grouped by one session only", "group by the other one in a query around this one"));
    }
    drop(calls);
    Ok(node)
}

/// Refuses a call that is no group.
fn check(node: &LogicalPlan) -> Result<()> {
    let within = |expr: &Expr| expr.exists(|part| Ok(SessionCall::of(part).is_some()));
    let mut misplaced = false;
    match node {
        LogicalPlan::Extension(Extension { node }) if node.as_any().is::<SessionNode>() => {
            for expression in node.expressions() {
                misplaced |= match SessionCall::of(&expression) {
                    Some(call) => within(call.instant)? || within(call.gap)?,
                    None => within(&expression)?,
                };
            }
        }
        node => {
            for expression in node.expressions() {
                misplaced |= within(&expression)?;
            }
        }
    }
    match misplaced {
        true => Err(refused(
            "session makes groups of rows, so it can stand in GROUP BY only, and there by itself",
            "write GROUP BY session(ts, INTERVAL '30' SECONDS) and select window_start and window_end",
        )),
        false => Ok(()),
    }
}

fn refused(text: &str, help: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Error::sql(text).with_help(help)))
}
