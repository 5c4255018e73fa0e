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

use super::state::UpdateState;
use crate::operators::changes::Saved;
use crate::operators::event_time::Timeline;
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use crate::operators::plan_node::{execute_whole, made_at_once, properties};
use crate::operators::window_aggregate::Aggregate;

/// What bounds how long a group is remembered.
#[derive(Clone, Debug)]
pub struct Idle {
    /// The column of the input with the time of its rows. `None`: they are taken to be as late as the watermark.
    pub column: Option<usize>,
    /// How far it has come.
    pub timeline: Timeline,
    /// A group without rows for longer, in microseconds, begins anew.
    pub ttl: i64,
}

/// What the planner knows about a grouping.
#[derive(Clone, Debug)]
pub struct UpdateAggregateSpec {
    /// What rows are grouped by.
    pub groups: Vec<Arc<dyn PhysicalExpr>>,
    /// What is computed of each group.
    pub aggregates: Vec<Aggregate>,
    /// Which of the groups is a window, if one is, and how far that has come: those that begin before it get no more rows.
    pub window: Option<(usize, Timeline)>,
    /// How long silent groups are remembered; `None`: for good.
    pub idle: Option<Idle>,
}

/// Groups rows, and hands out what changes; see the module's text.
///
/// **Shapes**: the groups, then the aggregates.
/// **Errors**: a row whose group or argument fails goes to the job's [`RowFaults`]; an aggregate fails; the groups do not fit into the job's memory.
#[derive(Clone, Debug)]
pub struct UpdateAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    spec: Arc<UpdateAggregateSpec>,
    state: Arc<Kept<UpdateState>>,
    figures: Arc<OperatorFigures>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl UpdateAggregateExec {
    /// Groups the rows of `input` into rows of `schema`.
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: UpdateAggregateSpec, schema: SchemaRef, faults: Arc<RowFaults>) -> Self {
        let properties = properties(schema, 1, Boundedness::Unbounded { requires_infinite_memory: false });
        let spec = Arc::new(spec);
        let (of_state, of_input) = (Arc::clone(&spec), input.schema());
        let state = Arc::new(Kept::new(move || UpdateState::new(&of_state, &of_input)));
        let figures = Arc::new(OperatorFigures::of("GROUP BY".to_owned(), &(Arc::clone(&state) as Arc<dyn Saved>)));
        Self { input, spec, state, figures, faults, properties }
    }

    /// Whether windows bound it.
    pub fn is_windowed(&self) -> bool {
        self.spec.window.is_some()
    }

    /// After how many microseconds without rows a group is forgotten.
    pub fn ttl(&self) -> Option<i64> {
        self.spec.idle.as_ref().map(|idle| idle.ttl)
    }

    /// What it tells of itself.
    pub fn figures(&self) -> &Arc<OperatorFigures> {
        &self.figures
    }

    fn run(&self, batches: &[RecordBatch], context: &TaskContext) -> Result<Vec<RecordBatch>> {
        let (rows, late) = self.state.work(&self.figures, context, |state| state.run(&self.spec, &self.schema(), batches, &self.faults))?;
        self.figures.count(batches.iter().map(RecordBatch::num_rows).sum(), rows.iter().map(RecordBatch::num_rows).sum(), late);
        Ok(rows)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for UpdateAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.spec.aggregates.iter().map(|aggregate| aggregate.function.name()).collect();
        write!(f, "UpdateAggregateExec: aggregates=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for UpdateAggregateExec {
    fn name(&self) -> &str {
        "UpdateAggregateExec"
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
