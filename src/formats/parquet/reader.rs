//! Batches out of a Parquet file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::metadata::RowGroupMetaData;

use super::file::{ParquetFile, unreadable};
use super::prune;
use super::segments::{Segments, file_row};
use crate::error::Result;
use crate::formats::adapt::Adapter;
use crate::formats::normalize::{normal_schema, normalize};
use crate::formats::unwind::guarded;
use crate::formats::{ColumnarBatch, ColumnarInput, ColumnarReader, ColumnarRequest};
use crate::stream::{RecordPlace, RejectedRecord};

/// Parquet as configured for reading; the codec is told by the file. 96-bit timestamps are read as instants in UTC with microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParquetInput;

impl ColumnarInput for ParquetInput {
    fn schema_of(&self, path: &Path) -> Result<SchemaRef> {
        Ok(ParquetFile::open(path)?.columns)
    }

    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>> {
        Ok(Box::new(Reader::open(ParquetFile::open(path)?, request)?))
    }
}

struct Reader {
    batches: Option<ParquetRecordBatchReader>,
    columns: SchemaRef,
    adapter: Adapter,
    segments: Segments,
    partition: Arc<str>,
    name: Arc<str>,
}

impl Reader {
    fn open(file: ParquetFile, request: &ColumnarRequest) -> Result<Self> {
        let failed = |cause: &dyn std::fmt::Display| unreadable(&file.name, cause);
        let table = Arc::new(request.schema.project(&request.columns).map_err(|e| failed(&e))?);
        let wanted = |name: &str| table.field_with_name(name).is_ok();
        let found = file.metadata.schema().fields().iter().filter(|field| wanted(field.name()));
        let columns: SchemaRef = Arc::new(normal_schema(&Schema::new(found.cloned().collect::<Vec<_>>())));
        let adapter = Adapter::new(&columns, &table).map_err(|e| e.context(format!("'{}'", file.name)))?;

        let descriptor = file.metadata.parquet_schema();
        let roots = descriptor.root_schema().get_fields().iter().enumerate().filter(|(_, root)| wanted(root.name())).map(|(at, _)| at);
        let mask = ProjectionMask::roots(descriptor, roots.collect::<Vec<_>>());

        let groups = file.metadata.metadata().row_groups();
        let keep = match &request.pruning {
            Some(predicate) => guarded(|| prune::row_groups(&file, predicate, &table, adapter.rejects())).map_err(|e| failed(&e))?,
            None => vec![true; groups.len()],
        };
        let mut chosen = Vec::new();
        let mut ranges = Vec::new();
        let mut total = 0u64;
        let mut longest = 0;
        for (at, (group, keep)) in groups.iter().zip(keep).enumerate() {
            let rows = u64::try_from(group.num_rows()).map_err(|_| failed(&"a row group has a negative number of rows"))?;
            let end = total.checked_add(rows).ok_or_else(|| failed(&"its row groups have impossible numbers of rows"))?;
            if keep && end > request.start_row && rows > 0 {
                chosen.push(at);
                ranges.push((total, end));
                longest = longest.max(bytes_of(group, &wanted) / rows);
            }
            total = end;
        }
        let before = ranges.first().map_or(0, |(from, _)| request.start_row.saturating_sub(*from));
        let segments = Segments::new(ranges, request.start_row, total);

        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.file, file.metadata.clone())
            .with_batch_size(request.rows_of(longest))
            .with_projection(mask)
            .with_row_groups(chosen);
        if before > 0 {
            let count = |rows: u64| usize::try_from(rows).map_err(|_| failed(&"it has more rows than can be counted"));
            builder = builder.with_row_selection(RowSelection::from(vec![RowSelector::skip(count(before)?), RowSelector::select(count(segments.unread())?)]));
        }
        let batches = guarded(|| builder.build()).map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        Ok(Self { batches: Some(batches), columns, adapter, segments, partition: Arc::clone(&request.partition), name: Arc::clone(&file.name) })
    }

    fn hand_out(&mut self, batch: &RecordBatch) -> Result<ColumnarBatch> {
        let named = |e: crate::error::Error| e.context(format!("'{}'", self.name));
        let adapted = self.adapter.adapt(&normalize(batch, &self.columns).map_err(named)?).map_err(named)?;
        let (taken, skipped) = self.segments.take(batch.num_rows() as u64);
        let rejected = adapted.rejected.into_iter().map(|rejected| RejectedRecord {
            place: file_row(&taken, rejected.row as u64).map(|row| RecordPlace { partition: Arc::clone(&self.partition), unit: "row", number: row + 1 }),
            reason: rejected.reason,
        });
        Ok(ColumnarBatch { rows: adapted.rows, rejected: rejected.collect(), skipped, next_row: self.segments.next_row() })
    }

    /// The rows skipped after the last one read, if any.
    fn end(&mut self) -> Result<Option<ColumnarBatch>> {
        if self.segments.unread() > 0 {
            return Err(unreadable(&self.name, format!("{} rows are missing", self.segments.unread())));
        }
        let skipped = self.segments.finish();
        if skipped == 0 {
            return Ok(None);
        }
        let none = self.adapter.adapt(&RecordBatch::new_empty(Arc::clone(&self.columns)))?;
        Ok(Some(ColumnarBatch { rows: none.rows, rejected: Vec::new(), skipped, next_row: self.segments.next_row() }))
    }
}

/// Roughly what the wanted columns of a row group take decoded.
fn bytes_of(group: &RowGroupMetaData, wanted: &impl Fn(&str) -> bool) -> u64 {
    let columns = group.columns().iter().filter(|column| column.column_path().parts().first().is_some_and(|root| wanted(root)));
    // A text that stands in a dictionary once is in as many rows.
    let sizes = columns.map(|column| column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0)));
    sizes.fold(0, |all, size| all.saturating_add(u64::try_from(size).unwrap_or(0)))
}

impl ColumnarReader for Reader {
    fn next(&mut self) -> Result<Option<ColumnarBatch>> {
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let result = match guarded(|| batches.next()) {
            Ok(Some(Ok(batch))) => return self.hand_out(&batch).map(Some).inspect_err(|_| self.batches = None),
            Ok(Some(Err(e))) => Err(unreadable(&self.name, e)),
            Ok(None) => self.end(),
            Err(panic) => Err(unreadable(&self.name, panic)),
        };
        self.batches = None;
        result
    }
}
