//! Files as rows.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::pruning::possible_row_groups;
use crate::error::{Error, ErrorKind, Fault, Result, io_text};
use crate::formats::columnar::{Adapter, ColumnarBatch, ColumnarInput, ColumnarReader, ColumnarRequest, house_schema};

/// Parquet files.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParquetInput;

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let text = error.to_string();
    let text = text.trim_start_matches("Parquet error: ").trim_start_matches("EOF: ").trim_start_matches("External: ");
    Error::new(ErrorKind::Source, Fault::User, format!("{} is not a readable Parquet file: {text}", path.display()))
}

fn open(path: &Path) -> Result<(File, ArrowReaderMetadata)> {
    let file = File::open(path).map_err(|error| Error::new(ErrorKind::Source, Fault::User, format!("{}: {}", path.display(), io_text(&error))))?;
    let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| unreadable(path, &error))?;
    // Text is read as views right away where the reader can; else it is cast afterwards.
    let house = Arc::new(house_schema(plain.schema()));
    let viewed = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), ArrowReaderOptions::new().with_schema(house));
    Ok((file, viewed.unwrap_or(plain)))
}

impl ColumnarInput for ParquetInput {
    fn schema_of(&self, path: &Path) -> Result<SchemaRef> {
        let (_, metadata) = open(path)?;
        Ok(Arc::new(house_schema(metadata.schema())))
    }

    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>> {
        let (file, metadata) = open(path)?;
        let adapter = Adapter::new(&request.schema, metadata.schema(), Arc::clone(&request.partition))?;
        let wanted = possible_row_groups(request.pruning.as_ref(), &request.schema, &metadata);
        Ok(Box::new(ParquetReader {
            path: path.to_owned(),
            file,
            metadata,
            adapter,
            batch_rows: request.batch_rows.max(1),
            wanted,
            group: 0,
            row: 0,
            skipped: 0,
            start_row: request.start_row,
            current: None,
        }))
    }
}

/// Reads the row groups one after another.
struct ParquetReader {
    path: std::path::PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    adapter: Adapter,
    batch_rows: usize,
    /// Whether each row group is read.
    wanted: Vec<bool>,
    group: usize,
    /// Row of the file that comes next.
    row: u64,
    skipped: u64,
    start_row: u64,
    current: Option<ParquetRecordBatchReader>,
}

impl ParquetReader {
    /// Goes to the next row group; false at the end of the file.
    fn next_group(&mut self) -> Result<bool> {
        let Some(wanted) = self.wanted.get(self.group).copied() else { return Ok(false) };
        let rows = u64::try_from(self.metadata.metadata().row_group(self.group).num_rows()).unwrap_or(0);
        let end = self.row + rows;
        // Rows before the start were accounted for by an earlier reader.
        let offset = self.start_row.saturating_sub(self.row).min(rows);
        let group = self.group;
        self.group += 1;
        if offset == rows || !wanted {
            self.skipped += if wanted { 0 } else { rows - offset };
            self.row = end;
            return Ok(true);
        }
        let fault = |error: &dyn std::fmt::Display| unreadable(&self.path, error);
        let file = self.file.try_clone().map_err(|error| fault(&error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.adapter.columns_to_read().iter().copied());
        let builder = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(self.batch_rows);
        let builder = if offset > 0 { builder.with_offset(usize::try_from(offset).unwrap_or(usize::MAX)) } else { builder };
        self.row += offset;
        self.current = Some(builder.build().map_err(|error| fault(&error))?);
        Ok(true)
    }
}

impl ColumnarReader for ParquetReader {
    fn next(&mut self) -> Result<Option<ColumnarBatch>> {
        loop {
            if let Some(reader) = &mut self.current {
                match reader.next() {
                    Some(batch) => {
                        let batch = batch.map_err(|error| unreadable(&self.path, &error))?;
                        let (rows, rejected) = self.adapter.apply(&batch, self.row)?;
                        self.row += batch.num_rows() as u64;
                        return Ok(Some(ColumnarBatch { rows, rejected, skipped: std::mem::take(&mut self.skipped), next_row: self.row }));
                    }
                    None => self.current = None,
                }
            }
            if !self.next_group()? {
                break;
            }
        }
        if self.skipped == 0 {
            return Ok(None);
        }
        let skipped = std::mem::take(&mut self.skipped);
        let (rows, rejected) = self.adapter.apply(&arrow::array::RecordBatch::new_empty(projected(&self.metadata, &self.adapter)?), self.row)?;
        Ok(Some(ColumnarBatch { rows, rejected, skipped, next_row: self.row }))
    }
}

fn projected(metadata: &ArrowReaderMetadata, adapter: &Adapter) -> Result<Arc<Schema>> {
    let schema = metadata.schema().project(adapter.columns_to_read());
    schema.map(Arc::new).map_err(|error| Error::internal("a column that the file does not have").with_source(error))
}
