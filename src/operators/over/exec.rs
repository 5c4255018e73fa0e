//! The plan node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::Boundedness;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use super::function::{Function, OverSpec};
use super::state::{OverState, Plan};
use crate::operators::changes::Saved;
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use crate::operators::plan_node::{execute_whole, made_at_once, properties};

/// Computes functions over the rows of keys; see the module's text.
///
/// **Shapes**: the input's columns, then a column for each function.
/// **Errors**: a row whose key, order or argument fails goes to the job's [`RowFaults`]; a function fails; what is kept does not fit into the job's memory.
#[derive(Clone, Debug)]
pub struct OverExec {
    input: Arc<dyn ExecutionPlan>,
    plan: Arc<Plan>,
    state: Arc<Kept<OverState>>,
    figures: Arc<OperatorFigures>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl OverExec {
    /// Computes functions over the rows of `input`; rows of the result are of `schema`. `checked`: what may fail for a row, besides keys, order and time.
    ///
    /// **Errors**: a key that is no expression over the input.
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: OverSpec, checked: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef, faults: Arc<RowFaults>) -> Result<Self> {
        let properties = properties(Arc::clone(&schema), 1, Boundedness::Unbounded { requires_infinite_memory: false });
        let plan = Arc::new(Plan::new(spec, checked, schema, &input.schema())?);
        let of_state = Arc::clone(&plan);
        let state = Arc::new(Kept::new(move || OverState::new(&of_state)));
        let figures = Arc::new(OperatorFigures::of("OVER".to_owned(), &(Arc::clone(&state) as Arc<dyn Saved>)));
        Ok(Self { input, plan, state, figures, faults, properties })
    }

    /// What is computed, and when.
    pub fn spec(&self) -> &OverSpec {
        &self.plan.spec
    }

    /// What it tells of itself.
    pub fn figures(&self) -> &Arc<OperatorFigures> {
        &self.figures
    }

    fn run(&self, batches: &[RecordBatch], context: &TaskContext) -> Result<Vec<RecordBatch>> {
        let (rows, late) = self.state.work(&self.figures, context, |state| {
            let mut late = 0;
            for batch in batches {
                late += state.take_in(&self.plan, batch, self.figures.epoch(), &self.faults)?;
            }
            Ok((state.advance(&self.plan)?, late))
        })?;
        self.figures.count(batches.iter().map(RecordBatch::num_rows).sum(), rows.iter().map(RecordBatch::num_rows).sum(), late);
        Ok(rows)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for OverExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |function: &Function| match function {
            Function::Lag { offset, .. } => format!("lag {offset}"),
            Function::RowNumber => "row_number".to_owned(),
            Function::Rank => "rank".to_owned(),
            Function::DenseRank => "dense_rank".to_owned(),
            Function::Running { aggregate, .. } => aggregate.name().to_owned(),
            Function::Framed { function, .. } => function.name().to_owned(),
        };
        write!(f, "OverExec: functions=[{}]", self.plan.spec.functions.iter().map(name).collect::<Vec<_>>().join(", "))
    }
}

impl ExecutionPlan for OverExec {
    fn name(&self) -> &str {
        "OverExec"
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
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        check_if_same_properties!(self, children);
        Ok(Arc::new(self.with_new_children_and_same_properties(children)))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = execute_whole(&self.input, &context)?;
        let node = self.clone();
        Ok(made_at_once(self.schema(), async move { node.run(&input.try_collect::<Vec<_>>().await?, &context) }))
    }
}
