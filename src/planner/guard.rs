//! Rows whose expression fails don't fail the batch: DataFusion's filters and projections are replaced by the guarded ones, in both modes.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::WindowAggExec;

use super::exact::checked;
use crate::operators::accounted::AccountedExec;
use crate::operators::guard::{CountedExec, GuardedFilterExec, GuardedProjectionExec, RowFaults};
use crate::operators::lookup_join::LookupJoinExec;
use crate::operators::spilling_sort::SpillingSortExec;

/// Replaces every filter and projection of a plan, and of the tables that it looks rows up in; `limited`: there is a limit of memory, so that sorts may go to disk.
pub(super) fn guard(plan: Arc<dyn ExecutionPlan>, faults: &Arc<RowFaults>, limited: bool) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if let Some(filter) = node.as_any().downcast_ref::<FilterExec>() {
            let projection = filter.projection().as_ref().map(|columns| columns.to_vec());
            let predicate = checked(Arc::clone(filter.predicate()), &filter.input().schema())?;
            let guarded = GuardedFilterExec::try_new(Arc::clone(filter.input()), predicate, projection, Arc::clone(faults))?.like(filter);
            let guarded: Arc<dyn ExecutionPlan> = Arc::new(guarded);
            // Batch mode may have pushed a LIMIT into the filter.
            return Ok(Transformed::yes(match node.fetch() {
                Some(fetch) => Arc::new(GlobalLimitExec::new(guarded, 0, Some(fetch))),
                None => guarded,
            }));
        }
        if let Some(projection) = node.as_any().downcast_ref::<ProjectionExec>() {
            let input = projection.input().schema();
            let exact = |one: &ProjectionExpr| Ok(ProjectionExpr { expr: checked(Arc::clone(&one.expr), &input)?, alias: one.alias.clone() });
            let expressions = projection.expr().iter().map(exact).collect::<Result<_>>()?;
            let guarded = GuardedProjectionExec::new(Arc::clone(projection.input()), expressions, node.schema(), Arc::clone(faults)).like(projection);
            return Ok(Transformed::yes(Arc::new(guarded)));
        }
        if let Some(aggregate) = node.as_any().downcast_ref::<AggregateExec>() {
            let input = aggregate.input_schema();
            let exact = |one: &Arc<AggregateFunctionExpr>| -> Result<Arc<AggregateFunctionExpr>> {
                let all = one.all_expressions();
                let arguments = all.args.into_iter().map(|argument| checked(argument, &input)).collect::<Result<_>>()?;
                Ok(one.with_new_expressions(arguments, all.order_by_exprs).map_or_else(|| Arc::clone(one), Arc::new))
            };
            let expressions = aggregate.aggr_expr().iter().map(exact).collect::<Result<Vec<_>>>()?;
            return Ok(Transformed::yes(Arc::new(aggregate.with_new_aggr_exprs(expressions))));
        }
        if let Some(join) = node.as_any().downcast_ref::<LookupJoinExec>() {
            let table = guard(Arc::clone(join.table()), faults.of_tables(), limited)?;
            return Ok(Transformed::yes(Arc::new(join.with_table(table))));
        }
        // It keeps all its input; the one that keeps a frame only is another.
        if let Some(window) = node.as_any().downcast_ref::<WindowAggExec>() {
            let input: Arc<dyn ExecutionPlan> = Arc::new(AccountedExec::new(Arc::clone(window.input())));
            return Ok(Transformed::yes(Arc::clone(&node).with_new_children(vec![input])?));
        }
        // One with a LIMIT keeps the first rows only, and never goes to disk.
        if let Some(sort) = node.as_any().downcast_ref::<SortExec>().filter(|sort| limited && sort.fetch().is_none()) {
            return Ok(Transformed::yes(Arc::new(SpillingSortExec::instead_of(sort))));
        }
        if let Some(unnest) = node.as_any().downcast_ref::<UnnestExec>() {
            let input: Arc<dyn ExecutionPlan> = Arc::new(CountedExec::below(Arc::clone(unnest.input()), unnest.list_column_indices(), Arc::clone(faults)));
            let unnest = Arc::clone(&node).with_new_children(vec![input])?;
            return Ok(Transformed::yes(Arc::new(CountedExec::above(unnest, Arc::clone(faults)))));
        }
        Ok(Transformed::no(node))
    })
    .data()
}
