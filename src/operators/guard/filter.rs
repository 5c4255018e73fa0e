//! The guarded filter.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use arrow::array::Array;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::{concat_batches, filter_record_batch};
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::check_default_invariants;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::StreamExt;

use super::bisect::evaluate_guarded;
use super::faults::RowFaults;
use crate::operators::plan_node::properties_over;

/// Keeps the rows for which the predicate is true, in order; rows for which it fails go to the job's [`RowFaults`].
///
/// **Shapes**: the input's columns, or those at `projection`.
#[derive(Clone, Debug)]
pub struct GuardedFilterExec {
    input: Arc<dyn ExecutionPlan>,
    predicate: Arc<dyn PhysicalExpr>,
    projection: Option<Vec<usize>>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl GuardedFilterExec {
    /// A filter over `input`; `projection` chooses output columns.
    pub fn try_new(input: Arc<dyn ExecutionPlan>, predicate: Arc<dyn PhysicalExpr>, projection: Option<Vec<usize>>, faults: Arc<RowFaults>) -> Result<Self> {
        let schema = match &projection {
            Some(columns) => Arc::new(input.schema().project(columns)?),
            None => input.schema(),
        };
        let properties = properties_over(schema, &input);
        Ok(Self { input, predicate, projection, faults, properties })
    }

    /// The predicate over the input's columns.
    pub fn predicate(&self) -> &Arc<dyn PhysicalExpr> {
        &self.predicate
    }

    /// With the properties of the operator that it stands for: those above rely on the order of its rows.
    pub fn like(self, replaced: &dyn ExecutionPlan) -> Self {
        Self { properties: Arc::clone(replaced.properties()), ..self }
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }

    fn filter(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut kept = Vec::with_capacity(1);
        let apply = |rows: &RecordBatch| -> Result<RecordBatch> {
            let mask = self.predicate.evaluate(rows)?.into_array(rows.num_rows())?;
            let mask = as_boolean_array(&mask)?;
            let rows = match &self.projection {
                Some(columns) => rows.project(columns)?,
                None => rows.clone(),
            };
            if mask.null_count() == 0 && mask.true_count() == rows.num_rows() {
                return Ok(rows);
            }
            Ok(filter_record_batch(&rows, mask)?)
        };
        let rejected = Cell::new(0usize);
        let reject = |error| {
            rejected.set(rejected.get() + 1);
            self.faults.reject(&format!("condition {}", self.predicate), error)
        };
        evaluate_guarded(batch, &apply, &reject, &mut kept)?;
        let result = one_batch(kept, self.properties.eq_properties.schema())?;
        self.faults.counts().changed(batch.num_rows() - rejected.get(), result.num_rows());
        Ok(result)
    }
}

/// The pieces of a batch as one.
pub(super) fn one_batch(mut pieces: Vec<RecordBatch>, schema: &arrow::datatypes::SchemaRef) -> Result<RecordBatch> {
    match pieces.len() {
        0 => Ok(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            schema.fields().iter().map(|field| arrow::array::new_empty_array(field.data_type())).collect(),
            &RecordBatchOptions::new().with_row_count(Some(0)),
        )?),
        1 => Ok(pieces.swap_remove(0)),
        _ => Ok(concat_batches(schema, &pieces)?),
    }
}

impl DisplayAs for GuardedFilterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedFilterExec: {}", self.predicate)
    }
}

impl ExecutionPlan for GuardedFilterExec {
    fn name(&self) -> &str {
        "GuardedFilterExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn check_invariants(&self, check: datafusion::physical_plan::execution_plan::InvariantLevel) -> Result<()> {
        check_default_invariants(self, check)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        check_if_same_properties!(self, children);
        Ok(Arc::new(Self::try_new(children.swap_remove(0), Arc::clone(&self.predicate), self.projection.clone(), Arc::clone(&self.faults))?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let filter = self.clone();
        let rows = input.map(move |batch| filter.filter(&batch?)).filter(|batch| std::future::ready(!matches!(batch, Ok(b) if b.num_rows() == 0)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
