//! What the operators' plan nodes share: properties of a re-executable, row-wise operator.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PlanProperties};

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
