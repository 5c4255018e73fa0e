//! `array_agg` that counts the texts it collects. DataFusion's counts the views of texts, and not the texts.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF, Signature};

use super::slice_bytes::compacted_column;

/// DataFusion's `array_agg`; what it keeps of a batch is counted with the texts, and without those of other columns.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CountedLists {
    inner: Arc<AggregateUDF>,
}

impl Default for CountedLists {
    fn default() -> Self {
        Self { inner: array_agg_udaf() }
    }
}

/// With DISTINCT or ORDER BY every value is kept, and counted, by itself.
fn keeps_arrays(args: &AccumulatorArgs<'_>) -> bool {
    !args.is_distinct && args.order_bys.is_empty()
}

/// Bytes of texts that are not in the buffers which Arrow counts.
fn text_bytes(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => array.as_binary_view().total_buffer_bytes_used(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(text_bytes).sum(),
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (first, last) = (lists.value_offsets().first().copied().unwrap_or(0), lists.value_offsets().last().copied().unwrap_or(0));
            let (first, length) = (usize::try_from(first).unwrap_or(0), usize::try_from(last - first).unwrap_or(0));
            text_bytes(&lists.values().slice(first, length))
        }
        _ => 0,
    }
}

/// The values as they are kept, and the bytes of their texts.
fn kept(values: &[ArrayRef]) -> (Vec<ArrayRef>, usize) {
    let values: Vec<ArrayRef> = values.iter().map(|array| compacted_column(array).unwrap_or_else(|| Arc::clone(array))).collect();
    let bytes = values.iter().map(text_bytes).sum();
    (values, bytes)
}

impl AggregateUDFImpl for CountedLists {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !keeps_arrays(&args) {
            return self.inner.accumulator(args);
        }
        Ok(Box::new(CountedList { inner: self.inner.accumulator(args)?, texts: 0 }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(CountedGroups { inner: self.inner.create_groups_accumulator(args)?, texts: 0 }))
    }

    fn with_beneficial_ordering(self: Arc<Self>, beneficial_ordering: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = AggregateUDF::clone(&self.inner).with_beneficial_ordering(beneficial_ordering)?;
        Ok(inner.map(|inner| Arc::new(Self { inner: Arc::new(inner) }) as Arc<dyn AggregateUDFImpl>))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

#[derive(Debug)]
struct CountedList {
    inner: Box<dyn Accumulator>,
    texts: usize,
}

impl Accumulator for CountedList {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (values, bytes) = kept(values);
        self.texts += bytes;
        self.inner.update_batch(&values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (states, bytes) = kept(states);
        self.texts += bytes;
        self.inner.merge_batch(&states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.inner.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn size(&self) -> usize {
        self.inner.size() + self.texts
    }
}

struct CountedGroups {
    inner: Box<dyn GroupsAccumulator>,
    texts: usize,
}

impl CountedGroups {
    /// Hands out; the texts that stay are as great a part as what else stays.
    fn emit<T>(&mut self, to: EmitTo, emit: impl FnOnce(&mut dyn GroupsAccumulator) -> Result<T>) -> Result<T> {
        let before = self.inner.size();
        let emitted = emit(self.inner.as_mut())?;
        self.texts = match to {
            EmitTo::All => 0,
            EmitTo::First(_) => (self.texts as u128 * self.inner.size().min(before) as u128 / before.max(1) as u128) as usize,
        };
        Ok(emitted)
    }
}

impl GroupsAccumulator for CountedGroups {
    fn update_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], filter: Option<&BooleanArray>, groups: usize) -> Result<()> {
        let (values, bytes) = kept(values);
        self.texts += bytes;
        self.inner.update_batch(&values, group_indices, filter, groups)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], filter: Option<&BooleanArray>, groups: usize) -> Result<()> {
        let (values, bytes) = kept(values);
        self.texts += bytes;
        self.inner.merge_batch(&values, group_indices, filter, groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to, |inner| inner.evaluate(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.emit(emit_to, |inner| inner.state(emit_to))
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(values, filter)
    }

    fn supports_convert_to_state(&self) -> bool {
        self.inner.supports_convert_to_state()
    }

    fn size(&self) -> usize {
        self.inner.size() + self.texts
    }
}
