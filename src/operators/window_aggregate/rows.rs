//! What a grouping computes of its rows before any of it is added.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::cast::as_boolean_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;

use super::exec::Aggregate;
use crate::operators::event_time::micros;
use crate::operators::guard::{RowFaults, evaluate_guarded};

/// What does not change about a grouping.
#[derive(Debug)]
pub(in crate::operators) struct Plan {
    /// All groups, the window among them.
    pub groups: Vec<Arc<dyn PhysicalExpr>>,
    /// Which of them is the window.
    pub window: usize,
    pub aggregates: Vec<Aggregate>,
    /// Columns of the result: groups, then aggregates.
    pub schema: SchemaRef,
    /// The other groups.
    pub keys: SchemaRef,
}

impl Plan {
    pub(in crate::operators) fn new(
        groups: Vec<Arc<dyn PhysicalExpr>>,
        window: usize,
        aggregates: Vec<Aggregate>,
        schema: SchemaRef,
        input: &SchemaRef,
    ) -> Result<Self> {
        let mut keys = Vec::new();
        for (at, group) in groups.iter().enumerate().filter(|(at, _)| *at != window) {
            keys.push(Field::new(format!("{at}"), group.data_type(input)?, true));
        }
        Ok(Self { groups, window, aggregates, schema, keys: Arc::new(Schema::new(keys)) })
    }

    /// Computes groups, arguments and filters; rows that fail go to `faults`, which may part a batch.
    pub(in crate::operators) fn evaluate(&self, batch: &RecordBatch, faults: &RowFaults) -> Result<Vec<Evaluated>> {
        let mut parts = Vec::with_capacity(1);
        let reject = |error| faults.reject("GROUP BY", error);
        evaluate_guarded(batch, &|rows| self.evaluate_all(rows), &reject, &mut parts)?;
        Ok(parts)
    }

    fn evaluate_all(&self, rows: &RecordBatch) -> Result<Evaluated> {
        let count = rows.num_rows();
        let array = |expression: &Arc<dyn PhysicalExpr>| expression.evaluate(rows)?.into_array(count);
        let mut groups = self.groups.iter().map(array).collect::<Result<Vec<_>>>()?;
        let window = groups.remove(self.window);
        let arguments = self.aggregates.iter().map(|aggregate| aggregate.arguments.iter().map(array).collect()).collect::<Result<_>>()?;
        let filter = |aggregate: &Aggregate| aggregate.filter.as_ref().map(|filter| Ok(as_boolean_array(&array(filter)?)?.clone())).transpose();
        Ok(Evaluated { rows: count, window: micros(&window)?, keys: groups, arguments, filters: self.aggregates.iter().map(filter).collect::<Result<_>>()? })
    }
}

/// What was computed of rows.
pub(in crate::operators) struct Evaluated {
    pub rows: usize,
    /// The group that is the window.
    pub window: TimestampMicrosecondArray,
    /// The other groups.
    pub keys: Vec<ArrayRef>,
    /// Of each aggregate.
    pub arguments: Vec<Vec<ArrayRef>>,
    /// The rows that count for each aggregate.
    pub filters: Vec<Option<BooleanArray>>,
}

impl Evaluated {
    /// Some of the rows, in the order of `numbers`.
    pub(in crate::operators) fn part(&self, numbers: &UInt32Array) -> Result<Self> {
        let pick = |column: &ArrayRef| Ok(take(column, numbers, None)?);
        let filter = |filter: &Option<BooleanArray>| {
            filter.as_ref().map(|filter| Ok::<_, DataFusionError>(take(filter, numbers, None)?.as_boolean().clone())).transpose()
        };
        Ok(Self {
            rows: numbers.len(),
            window: take(&self.window, numbers, None)?.as_primitive::<TimestampMicrosecondType>().clone(),
            keys: self.keys.iter().map(pick).collect::<Result<_>>()?,
            arguments: self.arguments.iter().map(|arguments| arguments.iter().map(pick).collect()).collect::<Result<_>>()?,
            filters: self.filters.iter().map(filter).collect::<Result<_>>()?,
        })
    }
    /// All rows of some parts; `None` if there are no parts.
    pub(in crate::operators) fn concat(parts: &[Self]) -> Result<Option<Self>> {
        let [first, ..] = parts else { return Ok(None) };
        let together = |column: &dyn Fn(&Self) -> ArrayRef| -> Result<ArrayRef> {
            let columns: Vec<ArrayRef> = parts.iter().map(column).collect();
            Ok(concat(&columns.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
        };
        let keys = (0..first.keys.len()).map(|at| together(&|part| Arc::clone(&part.keys[at]))).collect::<Result<_>>()?;
        let arguments_of = |at: usize| (0..first.arguments[at].len()).map(|column| together(&|part| Arc::clone(&part.arguments[at][column]))).collect();
        let filter_of = |at: usize| -> Result<Option<BooleanArray>> {
            let Some(own) = &first.filters[at] else { return Ok(None) };
            let of = |part: &Self| Arc::new(part.filters[at].as_ref().unwrap_or(own).clone()) as ArrayRef;
            Ok(Some(together(&of)?.as_boolean().clone()))
        };
        Ok(Some(Self {
            rows: parts.iter().map(|part| part.rows).sum(),
            window: together(&|part| Arc::new(part.window.clone()))?.as_primitive::<TimestampMicrosecondType>().clone(),
            keys,
            arguments: (0..first.arguments.len()).map(arguments_of).collect::<Result<_>>()?,
            filters: (0..first.filters.len()).map(filter_of).collect::<Result<_>>()?,
        }))
    }
}
