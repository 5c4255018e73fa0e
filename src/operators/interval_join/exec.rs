//! The plan node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::JoinType;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use super::arrival::Layout;
use super::bounds::TimeBounds;
use super::kind::JoinSide;
use super::state::{JoinState, Made, Plan};
use crate::operators::changes::Saved;
use crate::operators::event_time::Timeline;
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use crate::operators::plan_node::{execute_whole, made_at_once, properties};
use datafusion::physical_plan::execution_plan::Boundedness;

/// Conditions beyond keys and time, over a batch made of some columns of both sides.
#[derive(Clone, Debug)]
pub struct Residual {
    /// The condition, over `schema`.
    pub expression: Arc<dyn PhysicalExpr>,
    /// Which columns of which side it reads, in the order of `schema`.
    pub columns: Vec<(JoinSide, usize)>,
    /// Schema of those columns.
    pub schema: SchemaRef,
}

/// What the planner knows about one side.
#[derive(Clone, Debug)]
pub struct SideSpec {
    /// Keys over its columns.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    /// The column with its time, an instant.
    pub time: usize,
    /// How far that column has come.
    pub timeline: Timeline,
}

/// What the planner knows about an interval join.
#[derive(Clone, Debug)]
pub struct IntervalJoinSpec {
    /// SQL's type of the join.
    pub join: JoinType,
    /// Which differences of time make a pair.
    pub bounds: TimeBounds,
    /// The left side.
    pub left: SideSpec,
    /// The right side, with as many keys.
    pub right: SideSpec,
    /// Further conditions.
    pub residual: Option<Residual>,
}

/// Joins two streams by key and by time; see the module's text.
///
/// **Shapes**: the columns of both sides for pairs; those of one side for semi and anti joins, with a Boolean `mark` at the end for mark joins.
/// **Errors**: a row whose key fails, or a pair whose condition does, goes to the job's [`RowFaults`]; its state does not fit into the job's memory.
#[derive(Clone, Debug)]
pub struct IntervalJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    plan: Arc<Plan>,
    timelines: Arc<(Timeline, Timeline)>,
    state: Arc<Kept<JoinState>>,
    figures: Arc<OperatorFigures>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl IntervalJoinExec {
    /// Joins `left` with `right` into rows of `schema`.
    ///
    /// **Errors**: a key that is no expression over its side.
    pub fn new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        spec: IntervalJoinSpec,
        schema: SchemaRef,
        name: String,
        faults: Arc<RowFaults>,
    ) -> Result<Self> {
        let layout = |input: &Arc<dyn ExecutionPlan>, side: SideSpec| {
            Ok::<_, datafusion::error::DataFusionError>((Layout::new(&input.schema(), side.keys, side.time)?, side.timeline))
        };
        let ((left_layout, left_time), (right_layout, right_time)) = (layout(&left, spec.left)?, layout(&right, spec.right)?);
        let properties = properties(Arc::clone(&schema), 1, Boundedness::Unbounded { requires_infinite_memory: false });
        let plan = Plan { join: spec.join, bounds: spec.bounds, left: left_layout, right: right_layout, residual: spec.residual, schema };
        let plan = Arc::new(plan);
        let of_state = Arc::clone(&plan);
        let state = Arc::new(Kept::new(move || Ok(JoinState::new(&of_state))));
        Ok(Self {
            left,
            right,
            plan,
            timelines: Arc::new((left_time, right_time)),
            figures: Arc::new(OperatorFigures::of(name, &(Arc::clone(&state) as Arc<dyn Saved>))),
            state,
            faults,
            properties,
        })
    }

    /// SQL's type of the join.
    pub fn join(&self) -> JoinType {
        self.plan.join
    }

    /// Which differences of time make a pair.
    pub fn bounds(&self) -> TimeBounds {
        self.plan.bounds
    }

    /// What it tells of itself.
    pub fn figures(&self) -> &Arc<OperatorFigures> {
        &self.figures
    }

    fn run(&self, left: &[RecordBatch], right: &[RecordBatch], context: &TaskContext) -> Result<Vec<RecordBatch>> {
        let made = self.state.work(&self.figures, context, |state| {
            let mut made = Made { epoch: self.figures.epoch(), ..Made::default() };
            for (side, batches) in [(JoinSide::Left, left), (JoinSide::Right, right)] {
                for batch in batches {
                    state.take_in(&self.plan, side, batch, &self.faults, &mut made)?;
                }
            }
            // The watermark stands still while the rows of an epoch come, so their order is of no account.
            state.advance(&self.plan, self.timelines.0.mark(), self.timelines.1.mark(), &mut made)?;
            Ok(made)
        })?;
        let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        self.figures.count(rows(left) + rows(right), rows(&made.rows), made.late);
        Ok(made.rows)
    }

    fn with_new_children_and_same_properties(&self, children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        let mut children = children.into_iter();
        let (left, right) = (children.next(), children.next());
        Self { left: left.unwrap_or_else(|| Arc::clone(&self.left)), right: right.unwrap_or_else(|| Arc::clone(&self.right)), ..self.clone() }
    }
}

impl DisplayAs for IntervalJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = self.plan.bounds;
        write!(f, "IntervalJoinExec: {}, right - left in [{} µs, {} µs]", self.plan.join, bounds.lower, bounds.upper)
    }
}

impl ExecutionPlan for IntervalJoinExec {
    fn name(&self) -> &str {
        "IntervalJoinExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        check_if_same_properties!(self, children);
        Ok(Arc::new(self.with_new_children_and_same_properties(children)))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let left = execute_whole(&self.left, &context)?;
        let right = execute_whole(&self.right, &context)?;
        let node = self.clone();
        Ok(made_at_once(self.schema(), async move {
            let left: Vec<RecordBatch> = left.try_collect().await?;
            let right: Vec<RecordBatch> = right.try_collect().await?;
            node.run(&left, &right, &context)
        }))
    }
}
