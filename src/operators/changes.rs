//! What the state of an operator has changed by, as tables that can be stored.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, Int64Type, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

/// Tables by name; the operator that has made them knows what they mean.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Name and rows.
    pub tables: Vec<(String, RecordBatch)>,
}

/// A state that can be saved as a sequence of changes, and restored from it.
pub trait Saved: Send + Sync + Debug {
    /// Takes note of changes from now on.
    fn track(&self);

    /// What has changed since the last call; with all calls' results in order the state can be restored. Rows are not copied.
    fn changes(&self) -> Result<Changes>;

    /// Takes in changes of an earlier run, in the order in which they were made, before the first epoch.
    fn restore(&self, changes: &Changes) -> Result<()>;

    /// Puts several changes together into one, without what is not kept any more. Does not touch the state.
    fn fold(&self, all: &mut dyn Iterator<Item = crate::error::Result<Changes>>) -> crate::error::Result<Changes>;
}

impl Changes {
    /// Adds a table unless it is empty.
    pub(super) fn add(&mut self, name: &str, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.tables.push((name.to_owned(), rows));
        }
    }

    /// The tables of a name.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RecordBatch> {
        self.tables.iter().filter(move |(own, _)| own == name).map(|(_, rows)| rows)
    }

    /// Adds one row of numbers.
    pub(super) fn add_numbers(&mut self, name: &str, numbers: &[i64]) -> Result<()> {
        let columns = numbers.iter().map(|number| Arc::new(Int64Array::from(vec![*number])) as ArrayRef).collect();
        self.add(name, table(columns, 1)?);
        Ok(())
    }

    /// The numbers of the last such row, if there is one.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<i64>> {
        let rows = self.of(name).last()?;
        rows.columns().iter().map(|column| column.as_primitive_opt::<Int64Type>().filter(|column| !column.is_empty()).map(|column| column.value(0))).collect()
    }
}

/// Of changes that are whole each time, the last ones.
pub(super) fn last(all: &mut dyn Iterator<Item = crate::error::Result<Changes>>) -> crate::error::Result<Changes> {
    let mut last = Changes::default();
    for changes in all {
        last = changes?;
    }
    Ok(last)
}

/// A table of columns; their names are their numbers.
pub(super) fn table(columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns.iter().enumerate().map(|(at, column)| Field::new(format!("{at}"), column.data_type().clone(), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// A column of a table that is restored.
///
/// **Errors**: it is not there, or of another type than is told: the table is another operator's.
pub(super) fn column(rows: &RecordBatch, at: usize) -> Result<&ArrayRef> {
    rows.columns().get(at).ok_or_else(|| foreign("a column is missing"))
}

/// A column of whole numbers.
pub(super) fn numbers(rows: &RecordBatch, at: usize) -> Result<&Int64Array> {
    column(rows, at)?.as_primitive_opt().ok_or_else(|| foreign("a column is of another type"))
}

/// What an aggregate has come to for several keys, as columns.
pub(super) fn state_columns<'a>(function: &AggregateFunctionExpr, all: impl Iterator<Item = &'a mut Box<dyn Accumulator>>) -> Result<Vec<ArrayRef>> {
    let mut states = Vec::new();
    for accumulator in all {
        // Some give away what they have; they get it back.
        let state = accumulator.state()?;
        *accumulator = function.create_accumulator()?;
        accumulator.merge_batch(&state.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?)?;
        states.push(state);
    }
    let mut columns = Vec::new();
    for (at, field) in function.state_fields()?.iter().enumerate() {
        let values: Vec<ScalarValue> = states.iter().filter_map(|state| state.get(at).cloned()).collect();
        columns.push(if values.is_empty() { new_empty_array(field.data_type()) } else { ScalarValue::iter_to_array(values)? });
    }
    Ok(columns)
}

/// The elements with these numbers, each once, in their order.
pub(super) fn in_order<'a, T>(all: &'a mut [T], numbers: &[u32]) -> Vec<&'a mut T> {
    let mut rows = vec![usize::MAX; all.len()];
    numbers.iter().enumerate().for_each(|(row, number)| rows[*number as usize] = row);
    let mut own: Vec<(usize, &mut T)> = rows.into_iter().zip(all).filter(|(row, _)| *row != usize::MAX).collect();
    own.sort_unstable_by_key(|(row, _)| *row);
    own.into_iter().map(|(_, element)| element).collect()
}

/// What is restored does not belong to the operator.
pub(super) fn foreign(what: &str) -> DataFusionError {
    DataFusionError::Internal(format!("a saved state does not belong to this operator: {what}"))
}

/// The keys whose state has changed, each once.
#[derive(Default)]
pub(super) struct Touched {
    numbers: Vec<u32>,
    is_there: Vec<bool>,
    /// The columns of the keys, in pieces.
    keys: Vec<Vec<ArrayRef>>,
}

impl Touched {
    /// Adds keys: their numbers, each with a row that has it.
    pub(super) fn add(&mut self, keys: &[ArrayRef], places: impl Iterator<Item = (usize, u32)>) -> Result<()> {
        let mut rows = Vec::new();
        for (number, row) in places {
            if self.is_there.len() <= number {
                self.is_there.resize(number + 1, false);
            }
            if !std::mem::replace(&mut self.is_there[number], true) {
                self.numbers.push(number as u32);
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            let rows = UInt32Array::from(rows);
            self.keys.push(keys.iter().map(|column| Ok(take(column, &rows, None)?)).collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// Keys have new numbers: `kept[new]` is the old one; the others are forgotten.
    pub(super) fn renumber(&mut self, kept: &[u32]) -> Result<()> {
        let most = kept.iter().max().map_or(0, |most| *most as usize + 1).max(self.is_there.len());
        let mut new = vec![u32::MAX; most];
        kept.iter().enumerate().for_each(|(number, old)| new[*old as usize] = number as u32);
        let (numbers, keys) = self.take()?;
        let rows: Vec<u32> = (0..numbers.len() as u32).filter(|row| new[numbers[*row as usize] as usize] != u32::MAX).collect();
        self.add(&keys, rows.iter().map(|row| (new[numbers[*row as usize] as usize] as usize, *row)))
    }

    /// Takes out the keys: their numbers and columns.
    pub(super) fn take(&mut self) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
        let taken = std::mem::take(self);
        let columns = taken.keys.first().map_or(0, Vec::len);
        let column = |at: usize| -> Result<ArrayRef> {
            let pieces: Vec<&dyn Array> = taken.keys.iter().map(|keys| keys[at].as_ref()).collect();
            Ok(concat(&pieces)?)
        };
        let keys = (0..columns).map(column).collect::<Result<_>>()?;
        Ok((taken.numbers, keys))
    }

    pub(super) fn memory_size(&self) -> usize {
        let keys = self.keys.iter().flatten().map(|column| column.get_array_memory_size()).sum::<usize>();
        keys + self.numbers.capacity() * 4 + self.is_there.capacity()
    }
}

/// Saves what has changed in an operator behind what was saved before, and restores another one from that; `fold`: put together.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) fn restart(old: &dyn Saved, saved: &mut Vec<Changes>, fold: bool, new: &dyn Saved) {
    saved.push(old.changes().unwrap());
    if fold {
        let all = old.fold(&mut std::mem::take(saved).into_iter().map(Ok)).unwrap();
        saved.push(all);
    }
    for changes in saved {
        new.restore(changes).unwrap();
    }
    new.track();
}
