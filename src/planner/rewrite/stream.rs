//! One pass from the root along the stream path.
//!
//! Which side of a join is the stream: the side that reads a source without end; if neither does, the left one. The other side is a table: it is planned by DataFusion as it
//! stands, loaded before the first row, and kept.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::error::Result;
use datafusion::logical_expr::{Extension, FetchType, Join, LogicalPlan, SkipType};

use super::bounded::{first_unbounded, read_as_table, reads};
use super::refusal::Refused;
use crate::error::Error;
use crate::planner::logical::{LimitNode, LookupJoinNode, OnceNode};

/// Rewrites the optimised plan of a statement for execution in epochs. `table_bytes` is the size assumed for sources below a table's plan.
pub(in crate::planner) fn rewrite(plan: LogicalPlan, table_bytes: usize) -> Result<LogicalPlan> {
    if !reads(&plan)?.sources {
        return Ok(extension(OnceNode { plan: Arc::new(plan) }));
    }
    match plan {
        LogicalPlan::TableScan(_) => Ok(plan),
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Unnest(_) => {
            if has_subquery(&plan)? {
                return Err(Refused::Subquery.error());
            }
            below(plan, table_bytes)
        }
        LogicalPlan::Union(_) => below(plan, table_bytes),
        LogicalPlan::Join(join) => lookup(join, table_bytes),
        LogicalPlan::Limit(limit) => {
            let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
                return Err(Refused::Other("LIMIT with an expression").error());
            };
            let input = rewrite(Arc::unwrap_or_clone(limit.input), table_bytes)?;
            Ok(extension(LimitNode { input, skip, fetch: fetch.unwrap_or(usize::MAX) }))
        }
        // The optimiser turns DISTINCT into an aggregate without aggregate functions.
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.is_empty() => Err(Refused::Distinct.error()),
        LogicalPlan::Aggregate(_) => Err(Refused::Aggregate.error()),
        LogicalPlan::Distinct(_) => Err(Refused::Distinct.error()),
        LogicalPlan::Window(_) => Err(Refused::Window.error()),
        LogicalPlan::Sort(_) => Err(Refused::Sort.error()),
        LogicalPlan::RecursiveQuery(_) => Err(Refused::Recursive.error()),
        LogicalPlan::Repartition(_) => Err(Refused::Other("REPARTITION").error()),
        LogicalPlan::Subquery(_) => Err(Refused::Subquery.error()),
        _ => Err(Refused::Other("this form").error()),
    }
}

fn below(plan: LogicalPlan, table_bytes: usize) -> Result<LogicalPlan> {
    use datafusion::common::tree_node::{Transformed, TransformedResult};
    plan.map_children(|child| Ok(Transformed::yes(rewrite(child, table_bytes)?))).data()
}

fn has_subquery(plan: &LogicalPlan) -> Result<bool> {
    use datafusion::logical_expr::Expr;
    let mut found = false;
    for expression in plan.expressions() {
        found |= expression.exists(|e| Ok(matches!(e, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_))))?;
    }
    Ok(found)
}

fn lookup(join: Join, table_bytes: usize) -> Result<LogicalPlan> {
    // EXCEPT and INTERSECT are joins in which NULL equals NULL over a DISTINCT; DISTINCT itself is refused further down.
    let (left, right) = (reads(&join.left)?, reads(&join.right)?);
    let stream_is_left = match (left.unbounded, right.unbounded) {
        (true, true) => return Err(stream_join(&join)?),
        (false, true) => false,
        (true, false) => true,
        (false, false) => left.sources || !right.sources,
    };
    let (stream, table) = if stream_is_left { (&join.left, &join.right) } else { (&join.right, &join.left) };
    let stream = rewrite(stream.as_ref().clone(), table_bytes).map_err(|error| if is_set_operation(&join) { Refused::SetOperation.error() } else { error })?;
    let table = Arc::new(read_as_table(table.as_ref().clone(), table_bytes)?);
    Ok(extension(LookupJoinNode { stream, table, stream_is_left, join }))
}

fn is_set_operation(join: &Join) -> bool {
    use datafusion::common::{JoinType, NullEquality};
    join.null_equality == NullEquality::NullEqualsNull && matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
}

fn stream_join(join: &Join) -> Result<datafusion::error::DataFusionError> {
    let names = [first_unbounded(&join.left)?, first_unbounded(&join.right)?];
    let names: Vec<String> = names.into_iter().flatten().map(|name| format!("'{name}'")).collect();
    let datafusion::error::DataFusionError::External(inner) = Refused::StreamJoin.error() else { return Ok(Refused::StreamJoin.error()) };
    Ok(match inner.downcast::<Error>() {
        Ok(error) => datafusion::error::DataFusionError::External(Box::new(error.context(format!("join of {}", names.join(" and "))))),
        Err(other) => datafusion::error::DataFusionError::External(other),
    })
}

fn extension<N: datafusion::logical_expr::UserDefinedLogicalNodeCore>(node: N) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(node) })
}
