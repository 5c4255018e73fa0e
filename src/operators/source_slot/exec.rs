//! The plan node of a source.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::Boundedness;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use super::slot::{Slot, SlotInput};
use crate::operators::plan_node::properties;

/// Leaf that yields the rows in its slot, in the order they were put.
///
/// **Shapes**: the columns of the source at `columns`, in that order. No ordering is declared and no filter is taken: see the module text of `planner`.
#[derive(Debug)]
pub struct SourceExec {
    source: Arc<str>,
    columns: Vec<usize>,
    slot: Arc<Slot>,
    bytes_estimate: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl SourceExec {
    /// A leaf of `source` that yields its columns at `columns`; `schema` has just those. `bytes_estimate` is the size of a bounded source, for choosing the build side of joins
    /// in batch mode; `None` means that it is read as a stream.
    pub fn new(source: Arc<str>, columns: Vec<usize>, schema: SchemaRef, bytes_estimate: Option<usize>) -> Self {
        let boundedness = match bytes_estimate {
            Some(_) => Boundedness::Bounded,
            None => Boundedness::Unbounded { requires_infinite_memory: false },
        };
        Self { source, columns, slot: Arc::default(), bytes_estimate, properties: properties(schema, 1, boundedness) }
    }

    /// Name of the source.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Indices of its columns in the source's schema.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Where the driver puts the rows.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }
}

impl DisplayAs for SourceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.eq_properties.schema().fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "SourceExec: source={}, columns=[{}]", self.source, names.join(", "))
    }
}

impl ExecutionPlan for SourceExec {
    fn name(&self) -> &str {
        "SourceExec"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        Ok(match self.slot.take() {
            SlotInput::Empty => Box::pin(EmptyRecordBatchStream::new(schema)),
            SlotInput::Batches(batches) => Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches.into_iter().map(Ok)))),
            // Some operators ask once more after the end.
            SlotInput::Stream(stream) => Box::pin(RecordBatchStreamAdapter::new(schema, stream.fuse())),
        })
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Statistics> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let Some(bytes) = self.bytes_estimate {
            statistics.total_byte_size = Precision::Inexact(bytes);
        }
        Ok(statistics)
    }
}
