//! Files as rows.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow_avro::reader::{Reader, ReaderBuilder};

use crate::error::{Error, ErrorKind, Fault, Result, io_text};
use crate::formats::columnar::{Adapter, ColumnarBatch, ColumnarInput, ColumnarReader, ColumnarRequest, house_schema};

/// Avro object container files.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvroInput;

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let text = error.to_string();
    let text = text.trim_start_matches("Parser error: ").trim_start_matches("Avro error: ").trim_end_matches('.');
    Error::new(ErrorKind::Source, Fault::User, format!("{} is not a readable Avro file: {text}", path.display()))
}

fn open(path: &Path, batch_rows: usize, columns: Option<&[usize]>) -> Result<Reader<BufReader<File>>> {
    let io = |error: std::io::Error| Error::new(ErrorKind::Source, Fault::User, format!("{}: {}", path.display(), io_text(&error)));
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    // A complete file ends with the marker that its header ends with. The library takes any end for the end, so a torn file is told here.
    let mut end = [0; 16];
    if length >= 16 {
        file.seek(SeekFrom::End(-16)).and_then(|_| file.read_exact(&mut end)).map_err(io)?;
        file.rewind().map_err(io)?;
    }
    let mut builder = ReaderBuilder::new().with_batch_size(batch_rows);
    if let Some(columns) = columns {
        builder = builder.with_projection(columns.to_vec());
    }
    let reader = builder.build(BufReader::with_capacity(256 << 10, file)).map_err(|error| unreadable(path, &error))?;
    if reader.avro_header().sync() != end {
        return Err(unreadable(path, &"it is cut off"));
    }
    Ok(reader)
}

impl ColumnarInput for AvroInput {
    fn schema_of(&self, path: &Path) -> Result<SchemaRef> {
        Ok(Arc::new(house_schema(&open(path, 1, None)?.schema())))
    }

    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>> {
        let file_schema = open(path, 1, None)?.schema();
        let adapter = Adapter::new(&request.schema, &file_schema, Arc::clone(&request.partition))?;
        let columns = adapter.columns_to_read().to_vec();
        // At least one column is decoded, so that rows can be counted.
        let decoded = if columns.is_empty() { vec![0] } else { columns.clone() };
        let reader = open(path, request.batch_rows.max(1), Some(&decoded))?;
        Ok(Box::new(AvroReader { path: path.to_owned(), reader, adapter, keep: columns.len(), row: 0, start_row: request.start_row }))
    }
}

struct AvroReader {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    adapter: Adapter,
    /// Columns that were asked for.
    keep: usize,
    row: u64,
    start_row: u64,
}

impl ColumnarReader for AvroReader {
    fn next(&mut self) -> Result<Option<ColumnarBatch>> {
        for batch in self.reader.by_ref() {
            let mut batch = batch.map_err(|error| unreadable(&self.path, &error))?;
            let first = self.row;
            self.row += batch.num_rows() as u64;
            if self.row <= self.start_row {
                continue;
            }
            let known = usize::try_from(self.start_row.saturating_sub(first)).unwrap_or(usize::MAX).min(batch.num_rows());
            batch = batch.slice(known, batch.num_rows() - known);
            if self.keep == 0 {
                batch = batch.project(&[]).map_err(|error| unreadable(&self.path, &error))?;
            }
            let (rows, rejected) = self.adapter.apply(&batch, first + known as u64)?;
            return Ok(Some(ColumnarBatch { rows, rejected, skipped: 0, next_row: self.row }));
        }
        Ok(None)
    }
}
