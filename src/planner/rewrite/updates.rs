//! Groups without a window of time are never over: what they have come to is told again and again, for sinks that keep the last row of each key; so are open windows, if the job wants it. Nothing but a choice of columns may be done with such rows, since
//! nobody takes back what was made of the earlier ones.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};

use super::bounded::reads;
use super::refusal::Refused;
use super::stream::{Rewrite, extension};
use crate::operators::event_time::Timeline;
use crate::planner::logical::UpdateAggregateNode;

/// The plan, and which columns of its result are the groups; `None` if it is another kind of plan.
pub(super) fn plan(plan: &LogicalPlan, context: Rewrite<'_>) -> Result<Option<(LogicalPlan, Vec<usize>)>> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => self::plan(&alias.input, context),
        LogicalPlan::Projection(projection) => {
            let Some((input, keys)) = self::plan(&projection.input, context)? else { return Ok(None) };
            let schema = projection.input.schema();
            let place =
                |key: usize| projection.expr.iter().position(|expr| column_of(expr).and_then(|column| schema.maybe_index_of_column(column)) == Some(key));
            let Some(keys) = keys.into_iter().map(place).collect() else { return Ok(None) };
            let projection = Projection::try_new_with_schema(projection.expr.clone(), Arc::new(input), Arc::clone(&projection.schema))?;
            Ok(Some((LogicalPlan::Projection(projection), keys)))
        }
        LogicalPlan::Aggregate(aggregate) if !aggregate.aggr_expr.is_empty() && reads(plan)?.sources => {
            if aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
                return Err(Refused::Other("GROUPING SETS, ROLLUP or CUBE").error());
            }
            let input = context.part(aggregate.input.as_ref().clone())?;
            let schema = input.plan.schema();
            let window = aggregate.group_expr.iter().enumerate().find_map(|(at, group)| Some((at, input.times.of_expression(group, schema)?.timeline)));
            if window.is_some() && !context.settings.results.early {
                return Ok(None);
            }
            let keys = (0..aggregate.group_expr.len()).collect();
            let column = (0..schema.fields().len()).find_map(|column| Some((Some(column), input.times.of(column)?.clone())));
            let ttl = context.settings.ttl.filter(|_| window.is_none());
            let time = match ttl {
                None => None,
                Some(_) if column.is_some() => column,
                Some(_) => of_sources(&aggregate.input, context)?.map(|timeline| (None, timeline)),
            };
            let node = UpdateAggregateNode { input: input.plan, time, ttl, window, aggregate: aggregate.clone() };
            Ok(Some((extension(node), keys)))
        }
        _ => Ok(None),
    }
}

/// How far the sources of a plan have come, where no column of it tells the time of a row.
pub(super) fn of_sources(plan: &LogicalPlan, context: Rewrite<'_>) -> Result<Option<Timeline>> {
    let mut found: Option<Timeline> = None;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(table) = context.tables.iter().find(|table| *table.name == *scan.table_name.table())
        {
            let own = Timeline::Source(context.times.of(&table.name));
            found = Some(match found.take() {
                Some(others) => others.least(own),
                None => own,
            });
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// The column that an expression is.
pub(super) fn column_of(expr: &Expr) -> Option<&datafusion::common::Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => column_of(&alias.expr),
        _ => None,
    }
}
