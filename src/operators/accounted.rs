//! Counts the rows that an operator of DataFusion keeps without asking for memory.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::TryStreamExt;

use crate::operators::slice_bytes::Kept;

/// Hands rows on, and holds the job's memory for them until the execution of the operator above, which keeps them all, is dropped. Order and everything else is that of the input.
#[derive(Clone, Debug)]
pub struct AccountedExec {
    input: Arc<dyn ExecutionPlan>,
}

impl AccountedExec {
    /// Counts the rows of `input`.
    pub fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input }
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0) }
    }
}

impl DisplayAs for AccountedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountedExec")
    }
}

impl ExecutionPlan for AccountedExec {
    fn name(&self) -> &str {
        "AccountedExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
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
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let held = MemoryConsumer::new("rows of OVER (…)").register(context.memory_pool());
        let mut kept = Kept::default();
        let rows = self.input.execute(partition, context)?.and_then(move |batch| {
            let size = batch.columns().iter().map(|column| kept.add(column)).sum();
            std::future::ready(held.try_grow(size).map(|()| batch))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
