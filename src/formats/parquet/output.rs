//! Rows as a file.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::columnar::{ColumnarFormat, ColumnarWriter};
use crate::stream::RejectedRecord;

/// A row group is closed when this many bytes wait for it, so that memory stays bounded however wide the rows are.
const GROUP_BYTES: usize = 32 << 20;
/// Rows of a row group at most.
const GROUP_ROWS: usize = 1 << 20;

/// Compression inside the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParquetCodec {
    /// None.
    None,
    /// Snappy.
    #[default]
    Snappy,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// LZ4, raw blocks.
    Lz4,
}

/// Parquet files.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParquetOutput {
    /// Compression inside the file.
    pub codec: ParquetCodec,
}

impl ParquetOutput {
    fn properties(self) -> WriterProperties {
        let compression = match self.codec {
            ParquetCodec::None => Compression::UNCOMPRESSED,
            ParquetCodec::Snappy => Compression::SNAPPY,
            ParquetCodec::Gzip => Compression::GZIP(GzipLevel::default()),
            ParquetCodec::Zstd => Compression::ZSTD(ZstdLevel::default()),
            ParquetCodec::Lz4 => Compression::LZ4_RAW,
        };
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(GROUP_ROWS)).set_created_by("velostream".to_owned()).build()
    }
}

impl ColumnarFormat for ParquetOutput {
    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        if schema.fields().is_empty() {
            return Err(Error::config("a Parquet file needs at least one column"));
        }
        schema.fields().iter().try_for_each(|field| check(field))
    }

    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>> {
        let writer = ArrowWriter::try_new(output, Arc::clone(schema), Some(self.properties())).map_err(|error| fault(&error))?;
        Ok(Box::new(ParquetFileWriter { writer }))
    }
}

fn check(field: &Field) -> Result<()> {
    match field.data_type() {
        DataType::Struct(fields) if fields.is_empty() => {
            Err(Error::config(format!("column '{}' is a struct without fields, which Parquet can't hold", field.name())))
        }
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check(field)),
        DataType::List(item) => check(item),
        DataType::Interval(_) | DataType::Duration(_) => {
            Err(Error::config(format!("column '{}' is a span of time, which Parquet can't hold exactly", field.name()))
                .with_help("CAST it to VARCHAR or BIGINT in the SELECT list"))
        }
        _ => Ok(()),
    }
}

fn fault(error: &parquet::errors::ParquetError) -> Error {
    let text = error.to_string();
    let text = text.trim_start_matches("Parquet error: ").trim_start_matches("External: ");
    let text = text.find(" (os error").map_or(text, |end| &text[..end]);
    Error::new(ErrorKind::Sink, Fault::External, format!("cannot write Parquet: {text}"))
}

struct ParquetFileWriter {
    writer: ArrowWriter<Box<dyn Write + Send>>,
}

impl ColumnarWriter for ParquetFileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>> {
        self.writer.write(batch).map_err(|error| fault(&error))?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().map_err(|error| fault(&error))?;
        }
        Ok(Vec::new())
    }

    fn written(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        self.writer.into_inner().map_err(|error| fault(&error))
    }
}
