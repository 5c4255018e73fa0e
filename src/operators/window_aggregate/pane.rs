//! The groups of one window.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use super::exec::Aggregate;

/// Groups, and what their aggregates have come to.
pub(super) struct Pane {
    /// `None` if the window is the only thing rows are grouped by.
    groups: Option<Box<dyn GroupValues>>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    numbers: Vec<usize>,
    /// The epoch in which its first rows came.
    since: u64,
}

impl Pane {
    /// A pane for keys of `keys` (without the window).
    pub(super) fn new(keys: &SchemaRef, aggregates: &[Aggregate], since: u64) -> Result<Self> {
        let groups = if keys.fields().is_empty() { None } else { Some(new_group_values(std::sync::Arc::clone(keys), &GroupOrdering::None)?) };
        Ok(Self { groups, accumulators: aggregates.iter().map(Aggregate::accumulator).collect::<Result<_>>()?, numbers: Vec::new(), since })
    }

    /// Adds rows: their keys, and for each aggregate its arguments and the rows that count for it.
    pub(super) fn add(&mut self, rows: usize, keys: &[ArrayRef], arguments: &[Vec<ArrayRef>], filters: &[Option<BooleanArray>]) -> Result<()> {
        self.number(rows, keys)?;
        let count = self.len();
        for ((accumulator, arguments), filter) in self.accumulators.iter_mut().zip(arguments).zip(filters) {
            accumulator.update_batch(arguments, &self.numbers, filter.as_ref(), count)?;
        }
        Ok(())
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.groups.as_ref().map_or(1, |groups| groups.len())
    }

    /// The keys of all groups, and the values of their aggregates.
    pub(super) fn finish(mut self) -> Result<(Vec<ArrayRef>, Vec<ArrayRef>)> {
        let keys = match &mut self.groups {
            Some(groups) => groups.emit(EmitTo::All)?,
            None => Vec::new(),
        };
        let values = self.accumulators.iter_mut().map(|accumulator| accumulator.evaluate(EmitTo::All)).collect::<Result<_>>()?;
        Ok((keys, values))
    }

    /// The keys of all groups, and of each aggregate what it has come to, so that it can be merged.
    pub(super) fn states(mut self) -> Result<(Vec<ArrayRef>, Vec<Vec<ArrayRef>>)> {
        let keys = match &mut self.groups {
            Some(groups) => groups.emit(EmitTo::All)?,
            None => Vec::new(),
        };
        let states = self.accumulators.iter_mut().map(|accumulator| accumulator.state(EmitTo::All)).collect::<Result<_>>()?;
        Ok((keys, states))
    }

    /// Adds what groups have come to elsewhere.
    pub(super) fn merge(&mut self, rows: usize, keys: &[ArrayRef], states: &[Vec<ArrayRef>]) -> Result<()> {
        self.number(rows, keys)?;
        let count = self.len();
        for (accumulator, state) in self.accumulators.iter_mut().zip(states) {
            accumulator.merge_batch(state, &self.numbers, None, count)?;
        }
        Ok(())
    }

    fn number(&mut self, rows: usize, keys: &[ArrayRef]) -> Result<()> {
        match &mut self.groups {
            Some(groups) => groups.intern(keys, &mut self.numbers)?,
            None => {
                self.numbers.clear();
                self.numbers.resize(rows, 0);
            }
        }
        Ok(())
    }

    pub(super) fn since(&self) -> u64 {
        self.since
    }

    pub(super) fn memory_size(&self) -> usize {
        let of_groups = self.groups.as_ref().map_or(0, |groups| groups.size());
        of_groups + self.accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>() + self.numbers.capacity() * size_of::<usize>()
    }
}
