//! Columns of a UNION whose types DataFusion would put together with a loss.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::coerce_plan_expr_for_schema;
use datafusion::logical_expr::{LogicalPlan, Union};

use super::common_type::{Change, Operand, Usage, changes};

/// Casts columns of the queries that a UNION puts together, and gives it the types that its queries have now.
pub(super) fn unify(union: Union) -> Result<LogicalPlan> {
    let Union { inputs, schema } = union;
    let mut columns: Vec<Vec<DataType>> = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        let types: Vec<DataType> = inputs.iter().map(|input| input.schema().field(at).data_type().clone()).collect();
        let operands: Vec<Operand> = types.iter().map(|data_type| Operand { data_type: data_type.clone(), literal: None }).collect();
        let changed = changes(&operands, Usage::Branch)?;
        let mut own = if types.contains(field.data_type()) { field.data_type().clone() } else { types.first().unwrap_or(field.data_type()).clone() };
        let mut unified = Vec::with_capacity(types.len() + 1);
        for (data_type, change) in types.into_iter().zip(changed) {
            match change {
                Change::Cast(to) => {
                    own = to.clone();
                    unified.push(to);
                }
                _ => unified.push(data_type),
            }
        }
        unified.push(own);
        columns.push(unified);
    }
    let typed = |schema: &DFSchema, input: usize| -> Result<DFSchema> {
        let fields = schema.iter().zip(&columns).map(|((qualifier, field), types)| {
            let field = field.as_ref().clone().with_data_type(types[input].clone());
            (qualifier.cloned(), Arc::new(field))
        });
        DFSchema::new_with_metadata(fields.collect(), schema.metadata().clone())
    };
    let schema = Arc::new(typed(&schema, inputs.len())?);
    let cast = |(at, input): (usize, Arc<LogicalPlan>)| -> Result<Arc<LogicalPlan>> {
        let wanted = typed(input.schema(), at)?;
        if wanted.fields() == input.schema().fields() {
            return Ok(input);
        }
        Ok(Arc::new(coerce_plan_expr_for_schema(Arc::unwrap_or_clone(input), &wanted)?))
    };
    let inputs = inputs.into_iter().enumerate().map(cast).collect::<Result<_>>()?;
    Ok(LogicalPlan::Union(Union { inputs, schema }))
}
