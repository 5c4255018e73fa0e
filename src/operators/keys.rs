//! Numbers of keys, for operators that keep something for each.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// Keys by number, in the order in which they were first seen.
pub(super) struct Keys {
    schema: SchemaRef,
    /// `None` if rows have no key: all are of the one with number 0.
    values: Option<Box<dyn GroupValues>>,
}

impl Keys {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self { schema: SchemaRef::clone(schema), values: table(schema)? })
    }

    /// The number of each row's key.
    pub(super) fn numbers(&mut self, columns: &[ArrayRef], rows: usize, numbers: &mut Vec<usize>) -> Result<()> {
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
    pub(super) fn len(&self) -> usize {
        self.values.as_ref().map_or(1, |values| values.len())
    }

    /// Forgets all keys but those with these numbers, which get new ones in this order.
    pub(super) fn retain(&mut self, numbers: &UInt32Array) -> Result<()> {
        let Some(values) = &mut self.values else { return Ok(()) };
        let all = values.emit(EmitTo::All)?;
        let kept = all.iter().map(|column| Ok(arrow::compute::take(column, numbers, None)?)).collect::<Result<Vec<_>>>()?;
        self.values = table(&self.schema)?;
        let mut new = Vec::new();
        self.values.as_mut().map_or(Ok(()), |values| values.intern(&kept, &mut new))
    }

    pub(super) fn memory_size(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.size())
    }
}

fn table(schema: &SchemaRef) -> Result<Option<Box<dyn GroupValues>>> {
    if schema.fields().is_empty() { Ok(None) } else { new_group_values(SchemaRef::clone(schema), &GroupOrdering::None).map(Some) }
}
