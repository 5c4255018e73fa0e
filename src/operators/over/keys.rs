//! Numbers of keys.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// Keys by number, in the order in which they were first seen.
pub(in crate::operators) struct Keys {
    schema: SchemaRef,
    /// `None` if there is one partition only.
    values: Option<Box<dyn GroupValues>>,
}

impl Keys {
    pub(in crate::operators) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self { schema: SchemaRef::clone(schema), values: table(schema)? })
    }

    /// The number of each row's key.
    pub(in crate::operators) fn numbers(&mut self, columns: &[ArrayRef], rows: usize, numbers: &mut Vec<usize>) -> Result<()> {
        match &mut self.values {
            Some(values) => values.intern(columns, numbers),
            None => {
                numbers.clear();
                numbers.resize(rows, 0);
                Ok(())
            }
        }
    }

    /// How many there are.
    pub(in crate::operators) fn len(&self) -> usize {
        self.values.as_ref().map_or(1, |values| values.len())
    }

    /// Forgets all keys but those with these numbers, which get new ones in this order.
    pub(in crate::operators) fn retain(&mut self, numbers: &arrow::array::UInt32Array) -> Result<()> {
        let Some(values) = &mut self.values else { return Ok(()) };
        let all = values.emit(EmitTo::All)?;
        let kept = all.iter().map(|column| Ok(arrow::compute::take(column, numbers, None)?)).collect::<Result<Vec<_>>>()?;
        self.values = table(&self.schema)?;
        let mut new = Vec::new();
        self.values.as_mut().map_or(Ok(()), |values| values.intern(&kept, &mut new))
    }

    pub(in crate::operators) fn memory_size(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.size())
    }
}

fn table(schema: &SchemaRef) -> Result<Option<Box<dyn GroupValues>>> {
    if schema.fields().is_empty() { Ok(None) } else { new_group_values(SchemaRef::clone(schema), &GroupOrdering::None).map(Some) }
}
