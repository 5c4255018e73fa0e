//! The plan node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_plan::execution_plan::Boundedness;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use super::rows::Plan;
use super::state::WindowState;
use crate::operators::changes::Saved;
use crate::operators::event_time::Timeline;
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use crate::operators::plan_node::{execute_whole, made_at_once, properties};

/// An aggregate function with what it is applied to.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The function.
    pub function: Arc<AggregateFunctionExpr>,
    /// Its arguments over the input.
    pub arguments: Vec<Arc<dyn PhysicalExpr>>,
    /// Which rows count.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

impl Aggregate {
    /// Computes it for groups that are numbered.
    pub(in crate::operators) fn accumulator(&self) -> Result<Box<dyn GroupsAccumulator>> {
        if self.function.groups_accumulator_supported() {
            return self.function.create_groups_accumulator();
        }
        let function = Arc::clone(&self.function);
        Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
    }
}

/// What the planner knows about a grouping.
#[derive(Clone, Debug)]
pub struct WindowAggregateSpec {
    /// What rows are grouped by.
    pub groups: Vec<Arc<dyn PhysicalExpr>>,
    /// Which of them is the window: an instant.
    pub window: usize,
    /// How far that has come: windows that begin before it get no more rows.
    pub timeline: Timeline,
    /// What is computed of each group.
    pub aggregates: Vec<Aggregate>,
}

/// Groups rows by a window of time and by keys; see the module's text.
///
/// **Shapes**: the groups, then the aggregates.
/// **Errors**: a row whose group or argument fails goes to the job's [`RowFaults`]; an aggregate fails; the groups do not fit into the job's memory.
#[derive(Clone, Debug)]
pub struct WindowAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    plan: Arc<Plan>,
    timeline: Timeline,
    state: Arc<Kept<WindowState>>,
    figures: Arc<OperatorFigures>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl WindowAggregateExec {
    /// Groups the rows of `input` into rows of `schema`.
    ///
    /// **Errors**: a group that is no expression over the input.
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: WindowAggregateSpec, schema: SchemaRef, name: String, faults: Arc<RowFaults>) -> Result<Self> {
        let properties = properties(Arc::clone(&schema), 1, Boundedness::Unbounded { requires_infinite_memory: false });
        let plan = Plan::new(spec.groups, spec.window, spec.aggregates, schema, &input.schema())?;
        let plan = Arc::new(plan);
        let of_state = Arc::clone(&plan);
        let state = Arc::new(Kept::new(move || Ok(WindowState::new(&of_state))));
        let figures = Arc::new(OperatorFigures::of(name, &(Arc::clone(&state) as Arc<dyn Saved>)));
        Ok(Self { input, plan, timeline: spec.timeline, state, figures, faults, properties })
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
            Ok((state.advance(&self.plan, self.timeline.mark())?, late))
        })?;
        self.figures.count(batches.iter().map(RecordBatch::num_rows).sum(), rows.iter().map(RecordBatch::num_rows).sum(), late);
        Ok(rows)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for WindowAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.plan.aggregates.iter().map(|aggregate| aggregate.function.name()).collect();
        write!(f, "WindowAggregateExec: window={}, aggregates=[{}]", self.plan.groups[self.plan.window], names.join(", "))
    }
}

impl ExecutionPlan for WindowAggregateExec {
    fn name(&self) -> &str {
        "WindowAggregateExec"
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
