//! The plan node of a limit.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::{StreamExt, stream};
use parking_lot::Mutex;

use crate::operators::changes::{Changes, Saved, last};
use crate::operators::guard::RowFaults;
use crate::operators::plan_node::properties_over;

/// How many rows are still to be skipped and to be let through.
#[derive(Debug)]
pub struct LimitState {
    left: Mutex<(usize, usize)>,
}

impl LimitState {
    /// Skips `skip` rows, then lets `fetch` through.
    pub fn new(skip: usize, fetch: usize) -> Self {
        Self { left: Mutex::new((skip, fetch)) }
    }

    fn numbers(&self) -> Vec<i64> {
        let (skip, fetch) = *self.left.lock();
        vec![i64::try_from(skip).unwrap_or(i64::MAX), i64::try_from(fetch).unwrap_or(i64::MAX)]
    }

    /// Whether the last row has been let through: the job is done.
    pub fn is_done(&self) -> bool {
        self.left.lock().1 == 0
    }

    /// The part of a batch that passes.
    fn take(&self, batch: &RecordBatch) -> RecordBatch {
        let mut left = self.left.lock();
        let skipped = left.0.min(batch.num_rows());
        left.0 -= skipped;
        let passed = left.1.min(batch.num_rows() - skipped);
        left.1 -= passed;
        batch.slice(skipped, passed)
    }
}

/// Name of the saved table.
const LEFT: &str = "left";

impl Saved for LimitState {
    fn track(&self) {}

    fn changes(&self) -> Result<Changes> {
        let mut changes = Changes::default();
        changes.add_numbers(LEFT, &self.numbers())?;
        Ok(changes)
    }

    fn restore(&self, changes: &Changes) -> Result<()> {
        if let Some([skip, fetch]) = changes.numbers(LEFT).as_deref() {
            *self.left.lock() = (usize::try_from(*skip).unwrap_or(0), usize::try_from(*fetch).unwrap_or(0));
        }
        Ok(())
    }

    fn fold(&self, all: &mut dyn Iterator<Item = crate::error::Result<Changes>>) -> crate::error::Result<Changes> {
        last(all)
    }
}

/// Lets the first rows through, over all epochs; the driver ends the job when [`LimitState::is_done`].
#[derive(Clone, Debug)]
pub struct StreamLimitExec {
    input: Arc<dyn ExecutionPlan>,
    state: Arc<LimitState>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl StreamLimitExec {
    /// A limit over `input`.
    pub fn new(input: Arc<dyn ExecutionPlan>, state: Arc<LimitState>, faults: Arc<RowFaults>) -> Self {
        let properties = properties_over(input.schema(), &input);
        Self { input, state, faults, properties }
    }

    /// Its state.
    pub fn state(&self) -> &Arc<LimitState> {
        &self.state
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for StreamLimitExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (skip, fetch) = *self.state.left.lock();
        write!(f, "StreamLimitExec: skip={skip}, fetch={fetch}")
    }
}

impl ExecutionPlan for StreamLimitExec {
    fn name(&self) -> &str {
        "StreamLimitExec"
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
        Ok(Arc::new(Self::new(children.swap_remove(0), Arc::clone(&self.state), Arc::clone(&self.faults))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (state, faults) = (Arc::clone(&self.state), Arc::clone(&self.faults));
        // Once the last row has passed, a batch query ends; an epoch is read to its end, so that its other rows are counted as left out.
        let is_stream = self.properties.boundedness.is_unbounded();
        let rows = stream::try_unfold(input, move |mut input| {
            let (state, faults) = (Arc::clone(&state), Arc::clone(&faults));
            async move {
                while is_stream || !state.is_done() {
                    let Some(batch) = input.next().await.transpose()? else { break };
                    let passed = state.take(&batch);
                    faults.counts().changed(batch.num_rows(), passed.num_rows());
                    if passed.num_rows() > 0 {
                        return Ok(Some((passed, input)));
                    }
                }
                Ok(None)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
