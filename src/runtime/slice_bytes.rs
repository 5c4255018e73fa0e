//! How large rows are.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Bytes of the batch's own rows. Buffers that it shares with other slices are not counted wholly, so that many small slices of one large batch are not told to be many large batches.
pub(super) fn slice_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &ArrayRef) -> usize {
    // Arrow counts the views of texts, and not the texts.
    let viewed = match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    // Of types of which Arrow does not know it, the whole is as good a measure as there is.
    viewed + column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
}
