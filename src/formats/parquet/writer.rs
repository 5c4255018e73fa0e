//! Batches into a Parquet file.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::ParquetCompression;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::stored::{Stored, check_names, find_type};
use crate::formats::{ColumnarFormat, ColumnarWriter};
use crate::stream::RejectedRecord;

/// Most rows of a row group.
const GROUP_ROWS: usize = 1 << 20;
/// Bytes in memory at which a row group is closed.
const GROUP_BYTES: usize = 64 << 20;
/// Rows taken at a time, so that large rows close row groups in time.
const STEP_ROWS: usize = 1024;

/// Parquet as configured for writing.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParquetOutput {
    /// Codec of the pages.
    pub compression: ParquetCompression,
}

impl ParquetOutput {
    fn begin(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<ParquetFileWriter> {
        check_names("Parquet", schema)?;
        if schema.fields().is_empty() {
            return Err(Error::new(ErrorKind::Sink, Fault::User, "a Parquet file needs at least one column"));
        }
        find_type(schema, &|data_type| match data_type {
            DataType::Struct(fields) if fields.is_empty() => Some("a STRUCT without fields".to_owned()),
            DataType::Interval(_) | DataType::Union(..) => Some(format!("the type {data_type}")),
            _ => None,
        })
        .map_or(Ok(()), |(column, what)| {
            Err(Error::new(ErrorKind::Sink, Fault::User, format!("column '{column}': Parquet has no way to store {what}")).with_help("leave it out or CAST it"))
        })?;
        let stored = Stored::new(schema, &stored_type)?;
        let properties = WriterProperties::builder()
            .set_compression(self.compression.codec())
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_dictionary_enabled(true)
            .set_created_by(format!("velostream {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = ArrowWriter::try_new(output, Arc::clone(stored.schema()), Some(properties)).map_err(failed)?;
        Ok(ParquetFileWriter { writer, stored })
    }
}

impl ColumnarFormat for ParquetOutput {
    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        self.begin(schema, Box::new(std::io::sink())).map(|_| ())
    }

    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>> {
        Ok(Box::new(self.begin(schema, output)?))
    }
}

/// Seconds have no name in Parquet: other readers would take them for numbers.
fn stored_type(data_type: &DataType) -> Option<DataType> {
    use arrow::datatypes::TimeUnit::{Millisecond, Second};
    match data_type {
        DataType::Timestamp(Second, zone) => Some(DataType::Timestamp(Millisecond, zone.clone())),
        _ => None,
    }
}

/// Writes one Parquet file. A row group is closed at 1,048,576 rows or about 64 MiB in memory.
pub struct ParquetFileWriter {
    writer: ArrowWriter<Box<dyn Write + Send>>,
    stored: Stored,
}

impl ColumnarWriter for ParquetFileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>> {
        let (rows, rejected) = self.stored.convert(batch)?;
        for start in (0..rows.num_rows()).step_by(STEP_ROWS) {
            self.writer.write(&rows.slice(start, STEP_ROWS.min(rows.num_rows() - start))).map_err(failed)?;
            if self.writer.memory_size() > GROUP_BYTES {
                self.writer.flush().map_err(failed)?;
            }
        }
        Ok(rejected)
    }

    fn written(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn buffered(&self) -> u64 {
        self.writer.memory_size() as u64
    }

    fn spill(&mut self) -> Result<()> {
        self.writer.flush().map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        self.writer.into_inner().map_err(failed)
    }
}

fn failed(e: ParquetError) -> Error {
    Error::new(ErrorKind::Sink, Fault::External, format!("can't write Parquet: {e}"))
}
