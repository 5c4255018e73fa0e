//! Around UNNEST of DataFusion, which adds and drops rows without saying so, and makes all that come of a batch at once.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::ListUnnest;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::{TryStreamExt, stream};

use super::faults::RowFaults;
use super::lists::cut;
use crate::operators::plan_node::properties_over;

/// Where the counted rows are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedSide {
    /// They go into the operator.
    Into,
    /// They come out of it.
    OutOf,
}

/// Hands rows on and counts them; one stands below UNNEST and one above. The one below hands on few rows at a time where their lists are long.
#[derive(Clone, Debug)]
pub struct CountedExec {
    input: Arc<dyn ExecutionPlan>,
    side: CountedSide,
    /// What will be unnested.
    lists: Arc<[ListUnnest]>,
    faults: Arc<RowFaults>,
    properties: Arc<PlanProperties>,
}

impl CountedExec {
    /// Counts the rows that go into UNNEST of `lists`.
    pub fn below(input: Arc<dyn ExecutionPlan>, lists: &[ListUnnest], faults: Arc<RowFaults>) -> Self {
        Self::new(input, CountedSide::Into, Arc::from(lists), faults)
    }

    /// Counts the rows that come out of `unnest`.
    pub fn above(unnest: Arc<dyn ExecutionPlan>, faults: Arc<RowFaults>) -> Self {
        Self::new(unnest, CountedSide::OutOf, Arc::default(), faults)
    }

    fn new(input: Arc<dyn ExecutionPlan>, side: CountedSide, lists: Arc<[ListUnnest]>, faults: Arc<RowFaults>) -> Self {
        let properties = properties_over(input.schema(), &input);
        Self { input, side, lists, faults, properties }
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
        Ok(Arc::new(Self::new(children.swap_remove(0), self.side, Arc::clone(&self.lists), Arc::clone(&self.faults))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (side, faults) = (self.side, Arc::clone(&self.faults));
        let rows = self.input.execute(partition, context)?.inspect_ok(move |batch| faults.counts().unnested(side, batch.num_rows()));
        if self.lists.is_empty() {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)));
        }
        let lists = Arc::clone(&self.lists);
        let rows = rows.map_ok(move |batch| stream::iter(pieces(batch, Arc::clone(&lists)).map(Ok))).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

fn pieces(batch: RecordBatch, lists: Arc<[ListUnnest]>) -> impl Iterator<Item = RecordBatch> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        (begin < batch.num_rows()).then(|| {
            let end = cut(&batch, &lists, begin);
            let piece = batch.slice(begin, end - begin);
            begin = end;
            piece
        })
    })
}
