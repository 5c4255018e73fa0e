//! The plan node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use super::state::{SessionPlan, SessionState};
use crate::operators::changes::Saved;
use crate::operators::event_time::{Mark, SourceTime, Timeline};
use crate::operators::figures::OperatorFigures;
use crate::operators::guard::RowFaults;
use crate::operators::kept::Kept;
use crate::operators::plan_node::{execute_whole, made_at_once, properties};
use crate::operators::window_aggregate::{Aggregate, Plan};

/// What rows are grouped by.
#[derive(Clone, Debug)]
pub enum SessionGroup {
    /// When the session begins.
    Beginning,
    /// When it ends.
    End,
    /// A key.
    Key(Arc<dyn PhysicalExpr>),
}

/// How far the instants of a stream have come.
#[derive(Clone, Debug)]
pub struct SessionTime {
    /// Of the rows.
    pub rows: Timeline,
    /// Of the beginnings of sessions; the operator moves it.
    pub beginnings: Arc<SourceTime>,
}

/// Both lead to the same sources.
impl PartialEq for SessionTime {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && Arc::ptr_eq(&self.beginnings, &other.beginnings)
    }
}

impl Eq for SessionTime {}

/// What the planner knows about a grouping.
#[derive(Clone, Debug)]
pub struct SessionAggregateSpec {
    /// The instant that sessions are made of.
    pub instant: Arc<dyn PhysicalExpr>,
    /// Rows that are so far apart are not in one session; microseconds.
    pub gap: i64,
    /// What rows are grouped by.
    pub groups: Vec<SessionGroup>,
    /// `None`: all rows come in one execution, and sessions come out at the end of it.
    pub time: Option<SessionTime>,
    /// What is computed of each group.
    pub aggregates: Vec<Aggregate>,
}

/// Groups rows by sessions of time and by keys; see the module's text.
///
/// **Shapes**: the groups, then the aggregates.
/// **Errors**: a row whose group or argument fails goes to the job's [`RowFaults`]; an aggregate fails; the sessions do not fit into the job's memory.
#[derive(Clone, Debug)]
pub struct SessionAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    plan: Arc<SessionPlan>,
    time: Option<SessionTime>,
    state: Arc<Kept<SessionState>>,
    figures: Arc<OperatorFigures>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl SessionAggregateExec {
    /// Groups the rows of `input` into rows of `schema`.
    ///
    /// **Errors**: a group that is no expression over the input.
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: SessionAggregateSpec, schema: SchemaRef, name: String, faults: Arc<RowFaults>) -> Result<Self> {
        let properties = properties(Arc::clone(&schema), 1, input.properties().boundedness);
        let key = |group: &SessionGroup| match group {
            SessionGroup::Key(key) => Some(Arc::clone(key)),
            _ => None,
        };
        let mut groups: Vec<_> = spec.groups.iter().filter_map(key).collect();
        groups.push(spec.instant);
        let plan = Plan::new(groups.clone(), groups.len() - 1, spec.aggregates, schema, &input.schema())?;
        let plan = Arc::new(SessionPlan { plan, groups: spec.groups, gap: spec.gap });
        let of_state = Arc::clone(&plan);
        let state = Arc::new(Kept::new(move || SessionState::new(&of_state)));
        let figures = Arc::new(OperatorFigures::of(name, &(Arc::clone(&state) as Arc<dyn Saved>)));
        Ok(Self { input, plan, time: spec.time, state, figures, faults, properties })
    }

    /// What it tells of itself.
    pub fn figures(&self) -> &Arc<OperatorFigures> {
        &self.figures
    }

    /// How far apart rows of two sessions are; microseconds.
    pub fn gap(&self) -> i64 {
        self.plan.gap
    }

    /// Whether it keeps sessions from one execution to the next.
    pub fn is_streamed(&self) -> bool {
        self.time.is_some()
    }

    fn with_state<T>(&self, context: &TaskContext, f: impl FnOnce(&mut SessionState) -> Result<T>) -> Result<T> {
        self.state.work(&self.figures, context, f)
    }

    fn take_in(&self, batch: &RecordBatch, context: &TaskContext) -> Result<()> {
        self.figures.count(batch.num_rows(), 0, 0);
        self.with_state(context, |state| state.take_in(&self.plan, batch, self.figures.epoch(), &self.faults))
    }

    fn finish(&self, context: &TaskContext) -> Result<Vec<RecordBatch>> {
        let now = self.time.as_ref().map_or(Mark { time: Mark::END, idle: false }, |time| time.rows.mark());
        let (rows, late, beginning) = self.with_state(context, |state| {
            let (rows, late) = state.advance(&self.plan, now, self.figures.epoch())?;
            Ok((rows, late, state.beginning()))
        })?;
        self.figures.count(0, rows.iter().map(RecordBatch::num_rows).sum(), late);
        if let Some(time) = &self.time {
            time.beginnings.advance(Mark { time: beginning, idle: now.idle });
        }
        Ok(rows)
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for SessionAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, gap) = (&self.plan.plan, self.plan.gap);
        let names: Vec<&str> = plan.aggregates.iter().map(|aggregate| aggregate.function.name()).collect();
        write!(f, "SessionAggregateExec: instant={}, gap={gap} µs, aggregates=[{}]", plan.groups[plan.window], names.join(", "))
    }
}

impl ExecutionPlan for SessionAggregateExec {
    fn name(&self) -> &str {
        "SessionAggregateExec"
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
        let mut input = execute_whole(&self.input, &context)?;
        let mut node = self.clone();
        if !node.is_streamed() {
            // Whoever executes it again begins anew.
            node.state = Arc::new(self.state.anew());
        }
        Ok(made_at_once(self.schema(), async move {
            while let Some(batch) = input.try_next().await? {
                node.take_in(&batch, &context)?;
            }
            node.finish(&context)
        }))
    }
}
