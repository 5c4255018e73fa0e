//! The guarded projection.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::projection::ProjectionExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::{StreamExt, TryStreamExt, stream};

use super::bisect::evaluate_guarded;
use super::faults::RowFaults;
use super::filter::one_batch;
use super::together::{Together, most_bytes};
use crate::operators::plan_node::properties_over;
use crate::unwind::guarded;

/// Bytes of a constant of which no number of rows is large.
const SMALL: usize = 256;

/// Computes one output column per expression, row by row and in order; rows for which one fails go to the job's [`RowFaults`].
#[derive(Clone, Debug)]
pub struct GuardedProjectionExec {
    input: Arc<dyn ExecutionPlan>,
    expressions: Arc<[ProjectionExpr]>,
    schema: SchemaRef,
    faults: Arc<RowFaults>,
    /// How many rows are computed together, where what comes of them may be large.
    together: Option<Arc<Together>>,
    properties: Arc<PlanProperties>,
}

impl GuardedProjectionExec {
    /// A projection of `input` with the given output schema.
    pub fn new(input: Arc<dyn ExecutionPlan>, expressions: Arc<[ProjectionExpr]>, schema: SchemaRef, faults: Arc<RowFaults>) -> Self {
        let properties = properties_over(Arc::clone(&schema), &input);
        let together = expressions.iter().zip(schema.fields()).any(|(e, field)| may_be_large(e, field.data_type())).then(Arc::default);
        Self { input, expressions, schema, faults, together, properties }
    }

    /// The expressions over the input's columns.
    pub fn expressions(&self) -> &[ProjectionExpr] {
        &self.expressions
    }

    /// With the properties of the operator that it stands for: those above rely on the order of its rows.
    pub fn like(self, replaced: &dyn ExecutionPlan) -> Self {
        Self { properties: Arc::clone(replaced.properties()), ..self }
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }

    fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut pieces = Vec::with_capacity(1);
        let apply = |rows: &RecordBatch| -> Result<RecordBatch> {
            let count = rows.num_rows();
            let columns = self.expressions.iter().map(|e| e.expr.evaluate(rows)?.into_array(count)).collect::<Result<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
        };
        let reject = |error| self.faults.reject(&self.failing_column(batch), error);
        evaluate_guarded(batch, &apply, &reject, &mut pieces)?;
        one_batch(pieces, &self.schema)
    }

    /// Names the first output column that fails somewhere in the batch; only asked for once something failed.
    fn failing_column(&self, batch: &RecordBatch) -> String {
        let fails = |e: &&ProjectionExpr| !matches!(guarded(|| e.expr.evaluate(batch)), Ok(Ok(_)));
        let failing = self.expressions.iter().find(fails);
        failing.map_or_else(|| "row".to_owned(), |e| format!("column '{}'", e.alias))
    }
}

impl DisplayAs for GuardedProjectionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = self.expressions.iter().map(|e| format!("{} as {}", e.expr, e.alias)).collect();
        write!(f, "GuardedProjectionExec: [{}]", columns.join(", "))
    }
}

impl ExecutionPlan for GuardedProjectionExec {
    fn name(&self) -> &str {
        "GuardedProjectionExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
        Ok(Arc::new(Self::new(children.swap_remove(0), Arc::clone(&self.expressions), Arc::clone(&self.schema), Arc::clone(&self.faults))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let most_bytes = most_bytes(&context);
        let input = self.input.execute(partition, context)?;
        let projection = self.clone();
        let Some(together) = self.together.clone() else {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), input.map(move |batch| projection.project(&batch?)))));
        };
        let pieces = stream::try_unfold((input, None), move |(mut input, mut rest): (_, Option<RecordBatch>)| {
            let (projection, together) = (projection.clone(), Arc::clone(&together));
            async move {
                let rows = match rest.take() {
                    Some(rows) => rows,
                    None => match input.try_next().await? {
                        Some(rows) => rows,
                        None => return Ok(None),
                    },
                };
                let count = together.rows().min(rows.num_rows());
                let piece = projection.project(&rows.slice(0, count))?;
                if count > 0 {
                    together.learn(count, &piece, most_bytes);
                }
                let rest = (count < rows.num_rows()).then(|| rows.slice(count, rows.num_rows() - count));
                Ok(Some((piece, (input, rest))))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), pieces)))
    }
}

/// Whether an expression computes values of no fixed size.
fn may_be_large(expression: &ProjectionExpr, of: &DataType) -> bool {
    let fixed = of.primitive_width().is_some() || matches!(of, DataType::Boolean | DataType::Null | DataType::FixedSizeBinary(_));
    // A constant list or text is written out for every row.
    let small = |expression: &Arc<dyn PhysicalExpr>| expression.as_any().downcast_ref::<Literal>().is_some_and(|literal| literal.value().size() < SMALL);
    !fixed && !expression.expr.as_any().is::<Column>() && !small(&expression.expr)
}
