//! The plan node at the root.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, check_if_same_properties};
use futures::{StreamExt, TryStreamExt, stream};

use crate::operators::plan_node::properties;

/// Takes the result batches of an execution: the driver's queues. Staging, acknowledging and committing are the driver's matter.
#[async_trait]
pub trait Outputs: Send + Sync + std::fmt::Debug {
    /// Takes one batch; waits while a queue is full, which slows the sources.
    async fn put(&self, batch: RecordBatch) -> Result<()>;

    /// Names of the receivers, for `explain`.
    fn names(&self) -> Vec<String>;
}

/// Hands every batch of its input, without copying, to the outputs, and yields nothing itself. Partitions of the input run at the same time.
#[derive(Clone, Debug)]
pub struct FanOutExec {
    input: Arc<dyn ExecutionPlan>,
    outputs: Arc<dyn Outputs>,
    properties: Arc<PlanProperties>,
}

impl FanOutExec {
    /// The root over `input`.
    pub fn new(input: Arc<dyn ExecutionPlan>, outputs: Arc<dyn Outputs>) -> Self {
        let properties = properties(input.schema(), 1, input.properties().boundedness);
        Self { input, outputs, properties }
    }

    fn with_new_children_and_same_properties(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        Self { input: children.swap_remove(0), ..self.clone() }
    }
}

impl DisplayAs for FanOutExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FanOutExec: [{}]", self.outputs.names().join(", "))
    }
}

impl ExecutionPlan for FanOutExec {
    fn name(&self) -> &str {
        "FanOutExec"
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

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        check_if_same_properties!(self, children);
        Ok(Arc::new(Self::new(children.swap_remove(0), Arc::clone(&self.outputs))))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.properties().partitioning.partition_count();
        let inputs = (0..partitions).map(|partition| self.input.execute(partition, Arc::clone(&context))).collect::<Result<Vec<_>>>()?;
        let outputs = Arc::clone(&self.outputs);
        let drained = async move {
            if partitions == 1 {
                for mut input in inputs {
                    while let Some(batch) = input.next().await {
                        outputs.put(batch?).await?;
                    }
                }
            } else {
                // Branches of a UNION read their sources at the same time, so that none of them waits for another's queue.
                let mut all = stream::select_all(inputs);
                while let Some(batch) = all.try_next().await? {
                    outputs.put(batch).await?;
                }
            }
            Ok(())
        };
        let nothing = stream::once(drained).filter_map(|result: Result<()>| std::future::ready(result.err().map(Err)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), nothing)))
    }
}
