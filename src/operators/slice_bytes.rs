//! How large rows are.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// Bytes of the batch's own rows. Buffers that it shares with other slices are not counted wholly, so that many small slices of one large batch are not told to be many large batches.
pub(crate) fn slice_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &ArrayRef) -> usize {
    // Arrow counts the views of texts, and not the texts.
    let viewed = match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    viewed + own_bytes(column)
}

/// Bytes that a copy of the batch's rows takes; the texts of views stay where they are.
pub(crate) fn copied_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(own_bytes).sum()
}

fn own_bytes(column: &ArrayRef) -> usize {
    // Of types of which Arrow does not know it, the whole is as good a measure as there is.
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
}

/// The batch without texts that belong to rows which have been left out or cut off, where they are the greater part: who keeps a batch would keep them too.
pub(crate) fn compacted(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<Option<ArrayRef>> = batch.columns().iter().map(compacted_column).collect();
    if columns.iter().all(Option::is_none) {
        return Ok(batch);
    }
    let columns = columns.into_iter().zip(batch.columns()).map(|(new, old)| new.unwrap_or_else(|| Arc::clone(old))).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

/// Likewise one column; `None` if it is as good as it is.
pub(crate) fn compacted_column(column: &ArrayRef) -> Option<ArrayRef> {
    let sparse = |used: usize, buffers: &[Buffer]| used < buffers.iter().map(Buffer::len).sum::<usize>() / 2;
    match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            sparse(texts.total_buffer_bytes_used(), texts.data_buffers()).then(|| Arc::new(texts.gc()) as ArrayRef)
        }
        DataType::BinaryView => {
            let bytes = column.as_binary_view();
            sparse(bytes.total_buffer_bytes_used(), bytes.data_buffers()).then(|| Arc::new(bytes.gc()) as ArrayRef)
        }
        _ => None,
    }
}

/// Buffers that are kept. One that several columns or batches share counts once.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    seen: HashSet<usize>,
}

impl Kept {
    /// Bytes that are kept because of this column, and were not before.
    pub(crate) fn add(&mut self, column: &dyn Array) -> usize {
        self.add_data(&column.to_data())
    }

    fn add_data(&mut self, data: &ArrayData) -> usize {
        let buffers = data.buffers().iter().chain(data.nulls().map(|nulls| nulls.buffer()));
        let own: usize = buffers.filter(|buffer| self.seen.insert(buffer.data_ptr().as_ptr() as usize)).map(Buffer::capacity).sum();
        own + data.child_data().iter().map(|child| self.add_data(child)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn a_slice_counts_for_its_own_rows() {
        let texts = || (0..1000).map(|_| "x".repeat(1000));
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef),
            ("text", Arc::new(StringArray::from_iter_values(texts())) as ArrayRef),
            ("view", Arc::new(StringViewArray::from_iter_values(texts())) as ArrayRef),
        ])
        .expect("a batch");
        assert!((2_000_000..2_100_000).contains(&slice_bytes(&batch)), "{}", slice_bytes(&batch));
        assert!((2_000..2_100).contains(&slice_bytes(&batch.slice(7, 1))), "{}", slice_bytes(&batch.slice(7, 1)));
        assert!(slice_bytes(&batch.slice(7, 0)) < 100, "{}", slice_bytes(&batch.slice(7, 0)));
    }

    #[test]
    fn what_is_kept_counts_once_and_without_what_was_cut_off() {
        let texts = StringViewArray::from_iter_values((0..1000).map(|_| "x".repeat(1000)));
        let batch = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).expect("a batch");
        let mut kept = Kept::default();
        let all = kept.add(batch.column(0));
        assert!(all >= 1_000_000 && kept.add(batch.slice(0, 10).column(0)) == 0, "{all}");
        let few = compacted(batch.slice(500, 10)).expect("a batch");
        assert!((10_000..30_000).contains(&Kept::default().add(few.column(0))));
        assert_eq!(few, batch.slice(500, 10));
    }
}
