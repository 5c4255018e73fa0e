//! What the operators' plan nodes share: properties of a re-executable operator, how it reads its input, and how it hands out rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PlanProperties};
use futures::{TryStreamExt, stream};

/// Properties of an operator with `schema` over `input`: the input's partitions and boundedness, no ordering (an ordering would let DataFusion plan operators that hold rows
/// back over the end of an epoch), incremental emission, cooperative.
pub(super) fn properties_over(schema: SchemaRef, input: &Arc<dyn ExecutionPlan>) -> Arc<PlanProperties> {
    let partitions = input.properties().partitioning.partition_count();
    properties(schema, partitions, input.properties().boundedness)
}

/// Properties of a leaf or of an operator that changes the number of partitions.
pub(super) fn properties(schema: SchemaRef, partitions: usize, boundedness: Boundedness) -> Arc<PlanProperties> {
    Arc::new(
        PlanProperties::new(EquivalenceProperties::new(schema), Partitioning::UnknownPartitioning(partitions), EmissionType::Incremental, boundedness)
            .with_scheduling_type(SchedulingType::Cooperative),
    )
}

/// All rows of an input, for an operator with state: the branches of a UNION are partitions, and nobody else would read those after the first.
pub(super) fn execute_whole(input: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
    let partitions = input.properties().partitioning.partition_count();
    if partitions == 1 {
        return input.execute(0, Arc::clone(context));
    }
    let branches = (0..partitions).map(|partition| input.execute(partition, Arc::clone(context))).collect::<Result<Vec<_>>>()?;
    Ok(Box::pin(RecordBatchStreamAdapter::new(input.schema(), stream::select_all(branches))))
}

/// Rows that an execution makes of all its input, and hands out when that has ended.
pub(super) fn made_at_once(schema: SchemaRef, rows: impl Future<Output = Result<Vec<RecordBatch>>> + Send + 'static) -> SendableRecordBatchStream {
    let rows = stream::once(async move { rows.await.map(|rows| stream::iter(rows.into_iter().map(Ok))) });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten()))
}
