//! What `OVER (…)` needs in a batch to give what a stream does. Rows that are equal in ORDER BY are put in the order of their values, so that the result does not depend on how they came; and aggregates over
//! frames along which DataFusion can't move an accumulator are computed by our operator.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFrameBound, WindowFunctionDefinition};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

use super::logical::function_of;
use crate::error::Error;
use crate::operators::guard::RowFaults;
use crate::operators::over::{Function, LookBack, OverExec, OverSpec, Release, can_be_moved, follow_each_other};

/// The windows of a plan: what is below them is sorted by all columns, behind what it is sorted by already; or they are ours.
///
/// **Errors**: a function that no mode can compute.
pub(super) fn total_order(plan: Arc<dyn ExecutionPlan>, logical: &LogicalPlan, faults: &Arc<RowFaults>) -> Result<Arc<dyn ExecutionPlan>> {
    let filtered = filtered(logical)?;
    plan.transform_up(|node| {
        let any = node.as_any();
        if let Some(window) = any.downcast_ref::<BoundedWindowAggExec>()
            && let Some(over) = as_over(window, &filtered, faults)?
        {
            return Ok(Transformed::yes(Arc::new(over)));
        }
        if !any.is::<WindowAggExec>() && !any.is::<BoundedWindowAggExec>() {
            return Ok(Transformed::no(node));
        }
        let children = node.children();
        let Some(sort) = children.first().and_then(|child| child.as_any().downcast_ref::<SortExec>()).filter(|sort| sort.fetch().is_none()) else {
            return Ok(Transformed::no(node));
        };
        let schema = sort.schema();
        let fields = schema.fields().iter().enumerate();
        let comparable = fields.filter(|(_, field)| RowConverter::supports_fields(&[SortField::new(field.data_type().clone())]));
        let values = comparable.map(|(at, field)| PhysicalSortExpr { expr: Arc::new(Column::new(field.name(), at)), options: SortOptions::default() });
        let Some(order) = LexOrdering::new(sort.expr().iter().cloned().chain(values)) else { return Ok(Transformed::no(node)) };
        let sort = SortExec::new(order, Arc::clone(sort.input())).with_preserve_partitioning(sort.preserve_partitioning());
        Ok(Transformed::yes(Arc::clone(&node).with_new_children(vec![Arc::new(sort)])?))
    })
    .data()
}

/// The names of aggregates with FILTER, which can't be seen in a physical plan.
fn filtered(logical: &LogicalPlan) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    logical.apply_with_subqueries(|node| {
        let LogicalPlan::Window(window) = node else { return Ok(TreeNodeRecursion::Continue) };
        for expr in &window.window_expr {
            let Some(function) = function_of(expr) else { continue };
            if let Some((what, instead)) = impossible(function) {
                return Err(DataFusionError::External(Box::new(Error::sql(what).with_help(instead))));
            }
            if function.params.filter.is_some() {
                names.insert(match expr {
                    Expr::Alias(alias) => alias.name.clone(),
                    other => other.schema_name().to_string(),
                });
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

/// What no mode can compute, and what to write instead.
pub(super) fn impossible(function: &WindowFunction) -> Option<(&'static str, &'static str)> {
    let frame = &function.params.window_frame;
    let is_negative = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(ScalarValue::IntervalMonthDayNano(Some(span)))
        | WindowFrameBound::Following(ScalarValue::IntervalMonthDayNano(Some(span))) => span.months < 0 || span.days < 0 || span.nanoseconds < 0,
        _ => false,
    };
    if is_negative(&frame.start_bound) || is_negative(&frame.end_bound) {
        return Some(("a frame can't reach over less than nothing", "write an interval of nothing or more, PRECEDING or FOLLOWING"));
    }
    let moves = !frame.start_bound.is_unbounded();
    let is_aggregate = matches!(function.fun, WindowFunctionDefinition::AggregateUDF(_));
    let can = can_be_moved(function.fun.name()) && follow_each_other(frame);
    let filtered = is_aggregate && function.params.filter.is_some() && moves && !can;
    filtered.then_some(("FILTER can't be used with this function over a frame that moves", "write CASE WHEN … THEN x END in place of it"))
}

/// A window whose frames DataFusion can't move an accumulator along, as our operator, which has all rows at once.
fn as_over(window: &BoundedWindowAggExec, filtered: &HashSet<String>, faults: &Arc<RowFaults>) -> Result<Option<OverExec>> {
    let functions: Vec<Function> =
        window.window_expr().iter().map(|function| Function::framed(Arc::clone(function), filtered.contains(function.name()))).collect();
    if functions.iter().all(|function| matches!(function, Function::Framed { slides: true, .. } | Function::Framed { aggregate: None, .. })) {
        return Ok(None);
    }
    let Some(first) = window.window_expr().first() else { return Ok(None) };
    let input = Arc::clone(window.input());
    let read = (0..input.schema().fields().len()).collect();
    let (keys, order) = (first.partition_by().to_vec(), first.order_by().to_vec());
    let spec = OverSpec { keys, order, release: Release::AsTheyCome, functions, read, look_back: LookBack::default(), ttl: None, clock: None };
    OverExec::new(input, spec, Vec::new(), window.schema(), Arc::clone(faults)).map(Some)
}
