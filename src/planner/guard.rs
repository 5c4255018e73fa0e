//! Rows whose expression fails don't fail the batch: DataFusion's filters and projections are replaced by the guarded ones, in both modes.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::unnest::UnnestExec;

use crate::operators::guard::{CountedExec, CountedSide, GuardedFilterExec, GuardedProjectionExec, RowFaults};

/// Replaces every filter and projection of a plan.
pub(super) fn guard(plan: Arc<dyn ExecutionPlan>, faults: &Arc<RowFaults>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if let Some(filter) = node.as_any().downcast_ref::<FilterExec>() {
            let projection = filter.projection().as_ref().map(|columns| columns.to_vec());
            let guarded = GuardedFilterExec::try_new(Arc::clone(filter.input()), Arc::clone(filter.predicate()), projection, Arc::clone(faults))?;
            let guarded: Arc<dyn ExecutionPlan> = Arc::new(guarded);
            // Batch mode may have pushed a LIMIT into the filter.
            return Ok(Transformed::yes(match node.fetch() {
                Some(fetch) => Arc::new(GlobalLimitExec::new(guarded, 0, Some(fetch))),
                None => guarded,
            }));
        }
        if let Some(projection) = node.as_any().downcast_ref::<ProjectionExec>() {
            let expressions = projection.expr().iter().cloned().collect();
            let guarded = GuardedProjectionExec::new(Arc::clone(projection.input()), expressions, node.schema(), Arc::clone(faults));
            return Ok(Transformed::yes(Arc::new(guarded)));
        }
        if node.as_any().is::<UnnestExec>()
            && let [input] = node.children().as_slice()
        {
            let input: Arc<dyn ExecutionPlan> = Arc::new(CountedExec::new(Arc::clone(input), CountedSide::Into, Arc::clone(faults)));
            let unnest = node.with_new_children(vec![input])?;
            return Ok(Transformed::yes(Arc::new(CountedExec::new(unnest, CountedSide::OutOf, Arc::clone(faults)))));
        }
        Ok(Transformed::no(node))
    })
    .data()
}
