//! The numbers of keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// Numbers keys in the order in which they come.
pub(super) struct Keys {
    schema: SchemaRef,
    /// `None` if the session is the only thing rows are grouped by.
    groups: Option<Box<dyn GroupValues>>,
}

impl Keys {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let groups = if schema.fields().is_empty() { None } else { Some(new_group_values(Arc::clone(schema), &GroupOrdering::None)?) };
        Ok(Self { schema: Arc::clone(schema), groups })
    }

    /// The numbers of some rows' keys.
    pub(super) fn intern(&mut self, rows: usize, keys: &[ArrayRef], numbers: &mut Vec<usize>) -> Result<()> {
        match &mut self.groups {
            Some(groups) => groups.intern(keys, numbers),
            None => {
                numbers.clear();
                numbers.resize(rows, 0);
                Ok(())
            }
        }
    }

    /// How many keys have a number.
    pub(super) fn len(&self) -> usize {
        self.groups.as_ref().map_or(1, |groups| groups.len())
    }

    /// Forgets all keys but those of `kept`, which get the numbers from 0 on.
    pub(super) fn keep(&mut self, kept: &[u32]) -> Result<()> {
        let Some(groups) = &mut self.groups else { return Ok(()) };
        let all = groups.emit(EmitTo::All)?;
        let kept = UInt32Array::from(kept.to_vec());
        let keys = all.iter().map(|column| Ok(take(column, &kept, None)?)).collect::<Result<Vec<_>>>()?;
        let mut again = new_group_values(Arc::clone(&self.schema), &GroupOrdering::None)?;
        again.intern(&keys, &mut Vec::new())?;
        self.groups = Some(again);
        Ok(())
    }

    pub(super) fn memory_size(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| groups.size())
    }
}
