//! Functions over frames of rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::window_state::WindowFrameContext;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::window::WindowExpr;

use super::compute::Input;
use super::ordered::Part;

/// What is needed to compute an aggregate of any frame anew.
struct Anew<'a> {
    function: &'a Arc<dyn WindowExpr>,
    aggregate: &'a Arc<AggregateFunctionExpr>,
    /// Over all rows, those that are looked back at among them.
    arguments: Vec<ArrayRef>,
    order: Vec<ArrayRef>,
}

impl Input<'_> {
    /// The values of a function over frames, in the order of the rows.
    pub(super) fn framed(
        &self,
        function: &Arc<dyn WindowExpr>,
        aggregate: Option<&Arc<AggregateFunctionExpr>>,
        slides: bool,
        data_type: &DataType,
    ) -> Result<ArrayRef> {
        let anew = match aggregate {
            Some(aggregate) => {
                let order = function.order_by_columns(self.behind())?.into_iter().map(|column| column.values).collect();
                Some(Anew { function, aggregate, arguments: function.evaluate_args(self.behind())?, order })
            }
            None => None,
        };
        let own = |(at, part): (usize, &Part)| -> Result<ArrayRef> {
            let (begin, before) = self.place(at, part);
            let count = part.end - part.begin;
            match &anew {
                Some(anew) if !slides || is_short(before, count) => anew.compute(begin, before, count, data_type),
                // DataFusion goes through all rows, and computes values of those that are looked back at, too.
                _ => Ok(function.evaluate(&self.behind().slice(begin, before + count))?.slice(before, count)),
            }
        };
        let values = self.ordered.parts.iter().enumerate().map(own).collect::<Result<Vec<_>>>()?;
        let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        if values.is_empty() {
            return Ok(arrow::array::new_empty_array(data_type));
        }
        Ok(take(&concat(&values)?, self.places, None)?)
    }
}

/// Whether it is faster to compute the aggregate of each of `count` rows anew than to move it along all of them; costs in tens of nanoseconds, as they were measured.
fn is_short(before: usize, count: usize) -> bool {
    let anew = count * (30 + before / 10);
    let along = 150 + 25 * (before + count);
    anew < along
}

impl Anew<'_> {
    fn compute(&self, begin: usize, before: usize, count: usize, data_type: &DataType) -> Result<ArrayRef> {
        let length = before + count;
        let order: Vec<ArrayRef> = self.order.iter().map(|column| column.slice(begin, length)).collect();
        let options = self.function.order_by().iter().map(|sort| sort.options).collect();
        let mut frames = WindowFrameContext::new(Arc::clone(self.function.get_window_frame()), options);
        let mut frame = Range { start: 0, end: 0 };
        let mut values = Vec::with_capacity(count);
        for row in before..length {
            frame = frames.calculate_range(&order, &frame, length, row)?;
            let mut accumulator = self.aggregate.create_accumulator()?;
            if !frame.is_empty() {
                let rows: Vec<ArrayRef> = self.arguments.iter().map(|column| column.slice(begin + frame.start, frame.len())).collect();
                accumulator.update_batch(&rows)?;
            }
            values.push(accumulator.evaluate()?);
        }
        if values.is_empty() { Ok(arrow::array::new_empty_array(data_type)) } else { ScalarValue::iter_to_array(values) }
    }
}
