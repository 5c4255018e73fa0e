//! Rows kept together, in few batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::Result;

/// Batches of this many rows are not put together any more.
const LARGE: usize = 65_536;

/// Rows in the order in which they came. Each batch is more than twice as long as the next, so that there are few of them however small the pieces were, and each row is copied a
/// number of times that is logarithmic in their number (as in a log-structured merge tree).
#[derive(Debug)]
pub(super) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Number of the first row of each batch.
    starts: Vec<u32>,
    count: usize,
    bytes: usize,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), starts: Vec::new(), count: 0, bytes: 0 }
    }

    /// Adds rows; what they share with larger buffers is copied out.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let rows = compact(rows)?;
        self.starts.push(self.count as u32);
        self.count += rows.num_rows();
        self.bytes += bytes_of(&rows);
        self.batches.push(rows);
        while let [.., before, last] = self.batches.as_slice()
            && before.num_rows() < LARGE
            && before.num_rows() <= 2 * last.num_rows()
        {
            let merged = tidy(&concat_batches(&self.schema, [before, last])?)?;
            self.bytes = self.bytes + bytes_of(&merged) - bytes_of(before) - bytes_of(last);
            self.batches.truncate(self.batches.len() - 2);
            self.starts.pop();
            self.batches.push(merged);
        }
        Ok(())
    }

    pub(super) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The batch that holds a row, and where.
    pub(super) fn place(&self, row: u32) -> (usize, usize) {
        match self.starts.as_slice() {
            [_] => (0, row as usize),
            starts => {
                let batch = starts.partition_point(|start| *start <= row) - 1;
                (batch, (row - starts[batch]) as usize)
            }
        }
    }

    /// The rows from a number on.
    pub(super) fn behind(&self, first: u32) -> Vec<RecordBatch> {
        let parts = self.batches.iter().zip(&self.starts).filter_map(|(batch, start)| {
            let skipped = (first.saturating_sub(*start) as usize).min(batch.num_rows());
            (skipped < batch.num_rows()).then(|| batch.slice(skipped, batch.num_rows() - skipped))
        });
        parts.collect()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn memory_size(&self) -> usize {
        self.bytes
    }
}

fn bytes_of(rows: &RecordBatch) -> usize {
    rows.columns().iter().map(|column| column.get_buffer_memory_size()).sum()
}

/// Rows that hold no more memory than they need.
fn compact(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(compact_column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(rows.schema(), columns, &options)?)
}

fn compact_column(column: &ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::Utf8View | DataType::BinaryView => Ok(own_text(column)),
        _ => {
            // A slice of a decoder's batch keeps the whole of it.
            let needed = column.to_data().get_slice_memory_size()?;
            if column.get_buffer_memory_size() <= needed + needed / 4 + 64 {
                return Ok(Arc::clone(column));
            }
            Ok(take(column, &UInt32Array::from_iter_values(0..column.len() as u32), None)?)
        }
    }
}

/// After a merge texts have the buffers of all parts.
fn tidy(rows: &RecordBatch) -> Result<RecordBatch> {
    let is_scattered = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => column.as_string_view().data_buffers().len() > 8,
        DataType::BinaryView => column.as_binary_view().data_buffers().len() > 8,
        _ => false,
    };
    let columns = rows.columns().iter().map(|column| if is_scattered(column) { own_text(column) } else { Arc::clone(column) }).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(rows.schema(), columns, &options)?)
}

fn own_text(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => Arc::new(column.as_binary_view().gc()),
    }
}
