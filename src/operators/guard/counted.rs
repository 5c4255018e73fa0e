//! Counts around an operator of DataFusion that adds and drops rows without saying so.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use super::faults::RowFaults;
use crate::operators::plan_node::properties_over;

/// Where the counted rows are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedSide {
    /// They go into the operator.
    Into,
    /// They come out of it.
    OutOf,
}

/// Hands rows on and counts them; one stands below UNNEST and one above.
#[derive(Clone, Debug)]
pub struct CountedExec {
    input: Arc<dyn ExecutionPlan>,
    side: CountedSide,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl CountedExec {
    /// Counts the rows of `input`.
    pub fn new(input: Arc<dyn ExecutionPlan>, side: CountedSide, faults: Arc<RowFaults>) -> Self {
        let properties = properties_over(input.schema(), &input);
        Self { input, side, faults, properties }
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for CountedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedExec: {:?}", self.side)
    }
}

impl ExecutionPlan for CountedExec {
    fn name(&self) -> &str {
        "CountedExec"
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
        Ok(Arc::new(Self::new(children.swap_remove(0), self.side, Arc::clone(&self.faults))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (side, faults) = (self.side, Arc::clone(&self.faults));
        let rows = self.input.execute(partition, context)?.inspect_ok(move |batch| faults.counts().unnested(side, batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
