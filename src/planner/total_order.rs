//! The rows that `OVER (…)` looks at in a batch, in the order that a stream has: rows that are equal in ORDER BY are put in the order of their values, so that the result does not depend on how they came.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::row::{RowConverter, SortField};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

/// Sorts what is below windows by all columns, behind what it is sorted by already.
pub(super) fn total_order(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let any = node.as_any();
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
