//! The values of the functions, for rows that have come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{cast, filter, take};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use super::function::Function;
use super::history::WithHistory;
use super::ordered::{Ordered, Part};

/// How many rows of a key there were, and how many different ones in order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub rows: u64,
    pub ranks: u64,
}

/// What functions have come to for each key, besides rows that they look back at.
pub(super) enum Reached {
    Nothing,
    Counts(Vec<Counts>),
    Accumulators(Vec<Option<Box<dyn Accumulator>>>),
}

impl Reached {
    pub(super) fn new(function: &Function) -> Self {
        match function {
            Function::Lag { .. } | Function::Framed { .. } => Self::Nothing,
            Function::RowNumber | Function::Rank | Function::DenseRank => Self::Counts(Vec::new()),
            Function::Running { .. } => Self::Accumulators(Vec::new()),
        }
    }

    /// Keys have new numbers: `kept[new]` is the old one; the others are forgotten.
    pub(super) fn renumber(&mut self, kept: &[u32]) {
        match self {
            Self::Nothing => {}
            Self::Counts(counts) => *counts = kept.iter().map(|old| counts.get(*old as usize).copied().unwrap_or_default()).collect(),
            Self::Accumulators(all) => *all = kept.iter().map(|old| all.get_mut(*old as usize).and_then(Option::take)).collect(),
        }
    }

    pub(super) fn memory_size(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Counts(counts) => counts.capacity() * size_of::<Counts>(),
            Self::Accumulators(all) => all.capacity() * 16 + all.iter().flatten().map(|accumulator| accumulator.size()).sum::<usize>(),
        }
    }
}

/// Rows that have come, in the columns that functions read.
pub(super) struct Input<'a> {
    pub rows: &'a RecordBatch,
    pub ordered: &'a Ordered,
    /// For each row its place in the order.
    pub places: &'a UInt32Array,
    /// The same rows behind those that are looked back at.
    pub with_history: Option<&'a WithHistory>,
}

impl Input<'_> {
    /// The values of a function, in the order of the rows.
    pub(super) fn compute(&self, function: &Function, data_type: &DataType, reached: &mut Reached) -> Result<ArrayRef> {
        match (function, reached) {
            (Function::Lag { value, offset, default }, _) => self.lag(value, *offset, default, data_type),
            (Function::Running { aggregate, arguments, filter, peers }, Reached::Accumulators(all)) => {
                let values = self.running((aggregate, arguments, filter.as_ref()), *peers, all)?;
                let values = if values.is_empty() { arrow::array::new_empty_array(data_type) } else { ScalarValue::iter_to_array(values)? };
                Ok(take(&values, self.places, None)?)
            }
            (Function::Framed { function, aggregate, slides }, _) => self.framed(function, aggregate.as_ref(), *slides, data_type),
            (function, Reached::Counts(all)) => Ok(Arc::new(self.counted(function, all))),
            (..) => Err(datafusion::error::DataFusionError::Internal("a function over rows without its state".to_owned())),
        }
    }

    /// The rows by key, those that are looked back at among them.
    pub(super) fn behind(&self) -> &RecordBatch {
        self.with_history.map_or(self.rows, |with| &with.rows)
    }

    /// Where a part begins in them, and how many of its rows are looked back at.
    pub(super) fn place(&self, at: usize, part: &Part) -> (usize, usize) {
        self.with_history.map_or((part.begin, 0), |with| (with.begins[at], with.before[at]))
    }

    fn lag(&self, value: &Arc<dyn PhysicalExpr>, offset: usize, default: &ScalarValue, data_type: &DataType) -> Result<ArrayRef> {
        let behind = self.behind();
        let values = cast(&value.evaluate(behind)?.into_array(behind.num_rows())?, data_type)?;
        let mut from: Vec<Option<u32>> = vec![None; self.ordered.rows.len()];
        for (at, part) in self.ordered.parts.iter().enumerate() {
            let (begin, before) = self.place(at, part);
            for (number, row) in self.ordered.rows[part.begin..part.end].iter().enumerate() {
                from[*row as usize] = (before + number).checked_sub(offset).map(|place| (begin + place) as u32);
            }
        }
        let from = UInt32Array::from(from);
        let lagged = take(&values, &from, None)?;
        if default.is_null() || from.null_count() == 0 {
            return Ok(lagged);
        }
        let default = default.cast_to(values.data_type())?.to_scalar()?;
        Ok(arrow::compute::kernels::zip::zip(&arrow::compute::is_not_null(&from)?, &lagged, &default)?)
    }

    fn counted(&self, function: &Function, all: &mut Vec<Counts>) -> UInt64Array {
        let mut values = vec![0; self.ordered.rows.len()];
        for part in &self.ordered.parts {
            if all.len() <= part.key {
                all.resize(part.key + 1, Counts::default());
            }
            let counts = &mut all[part.key];
            if part.fresh {
                *counts = Counts::default();
            }
            let mut rank = 0;
            for at in part.begin..part.end {
                counts.rows += 1;
                // What a part begins with is never equal to what came out before.
                if self.ordered.begins[at] || at == part.begin {
                    counts.ranks += 1;
                    rank = counts.rows;
                }
                values[self.ordered.rows[at] as usize] = match function {
                    Function::Rank => rank,
                    Function::DenseRank => counts.ranks,
                    _ => counts.rows,
                };
            }
        }
        UInt64Array::from(values)
    }

    /// The values in the order of the keys.
    fn running(&self, (aggregate, arguments, condition): Aggregated<'_>, peers: bool, all: &mut Vec<Option<Box<dyn Accumulator>>>) -> Result<Vec<ScalarValue>> {
        let order = UInt32Array::from_iter_values(self.ordered.rows.iter().copied());
        let ordered = |expression: &Arc<dyn PhysicalExpr>| -> Result<ArrayRef> {
            Ok(take(&expression.evaluate(self.rows)?.into_array(self.rows.num_rows())?, &order, None)?)
        };
        let arguments = arguments.iter().map(ordered).collect::<Result<Vec<_>>>()?;
        let counts: Option<BooleanArray> =
            condition.map(|condition| Ok::<_, datafusion::error::DataFusionError>(ordered(condition)?.as_boolean().clone())).transpose()?;
        let mut values = Vec::with_capacity(self.ordered.rows.len());
        for part in &self.ordered.parts {
            if all.len() <= part.key {
                all.resize_with(part.key + 1, || None);
            }
            let accumulator = match &mut all[part.key] {
                Some(accumulator) if !part.fresh => accumulator,
                place => place.insert(aggregate.create_accumulator()?),
            };
            let mut begin = part.begin;
            for at in part.begin + 1..=part.end {
                if peers && at < part.end && !self.ordered.begins[at] {
                    continue;
                }
                let own = |column: &ArrayRef| column.slice(begin, at - begin);
                let rows: Vec<ArrayRef> = match &counts {
                    None => arguments.iter().map(own).collect(),
                    Some(counts) => {
                        let counts = counts.slice(begin, at - begin);
                        arguments.iter().map(|column| Ok(filter(&own(column), &counts)?)).collect::<Result<_>>()?
                    }
                };
                accumulator.update_batch(&rows)?;
                let value = accumulator.evaluate()?;
                values.extend(std::iter::repeat_n(value, at - begin));
                begin = at;
            }
        }
        Ok(values)
    }
}

type Aggregated<'a> = (&'a Arc<AggregateFunctionExpr>, &'a [Arc<dyn PhysicalExpr>], Option<&'a Arc<dyn PhysicalExpr>>);
