//! The format of a file sink: text or columnar.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::options::{Codec, FileSinkOptions};
use super::output::{Output, Shared};
use crate::error::{Error, Result};
use crate::formats::avro::{AvroCompression, AvroOutput};
use crate::formats::csv::{CsvEncoder, CsvWriteOptions};
use crate::formats::json::JsonEncoder;
use crate::formats::parquet::{ParquetCompression, ParquetOutput};
use crate::formats::{BatchEncoder, ColumnarFormat, ColumnarWriter, FormatName};
use crate::stream::RejectedRecord;

/// How rows become bytes.
#[derive(Clone, Debug)]
pub(super) enum SinkFormat {
    Text(Arc<dyn BatchEncoder>),
    Columnar(Arc<dyn ColumnarFormat>),
}

impl SinkFormat {
    /// The format for rows of this schema.
    ///
    /// **Errors**: a column can't be expressed, or the compression is none of the format's.
    pub(super) fn new(format: FormatName, options: &FileSinkOptions, schema: &SchemaRef) -> Result<Self> {
        let wrong =
            |known: &str| Error::config(format!("{} files can't be compressed that way", format.as_str())).with_help(format!("compression is one of {known}"));
        let own = match format {
            FormatName::Csv => {
                Self::Text(Arc::new(CsvEncoder::new(schema, CsvWriteOptions { delimiter: options.delimiter.0, has_headers: options.has_headers })?))
            }
            FormatName::Json | FormatName::JsonLines => Self::Text(Arc::new(JsonEncoder::new(schema)?)),
            FormatName::Parquet => {
                let codec = match options.compression {
                    None | Some(Codec::Snappy) => ParquetCompression::Snappy,
                    Some(Codec::None) => ParquetCompression::None,
                    Some(Codec::Gzip) => ParquetCompression::Gzip,
                    Some(Codec::Zstd) => ParquetCompression::Zstd,
                    Some(Codec::Lz4) => ParquetCompression::Lz4,
                };
                Self::Columnar(Arc::new(ParquetOutput { compression: codec }))
            }
            FormatName::Avro => {
                let codec = match options.compression {
                    None | Some(Codec::None) => AvroCompression::None,
                    Some(Codec::Gzip) => AvroCompression::Deflate,
                    Some(Codec::Snappy) => AvroCompression::Snappy,
                    Some(Codec::Zstd) => AvroCompression::Zstd,
                    Some(Codec::Lz4) => return Err(wrong("none, gzip, snappy, zstd")),
                };
                Self::Columnar(Arc::new(AvroOutput { compression: codec }))
            }
        };
        match &own {
            Self::Columnar(columnar) => columnar.check_schema(schema)?,
            Self::Text(_) if matches!(options.compression, Some(Codec::Snappy | Codec::Lz4)) => return Err(wrong("none, gzip, zstd")),
            Self::Text(_) => {}
        }
        Ok(own)
    }

    /// First bytes of a file.
    pub(super) fn header(&self) -> Vec<u8> {
        match self {
            Self::Text(encoder) => encoder.header(),
            Self::Columnar(_) => Vec::new(),
        }
    }
}

/// A file and what is written into it.
pub(super) struct OpenFile {
    output: Output,
    /// Of a columnar file.
    columnar: Option<Box<dyn ColumnarWriter>>,
    rows: u64,
}

impl OpenFile {
    pub(super) fn new(output: Output, format: &SinkFormat, schema: &SchemaRef) -> Result<Self> {
        let columnar = match (format, &output) {
            (SinkFormat::Columnar(columnar), Output::Closed(file)) => Some(columnar.writer(schema, Box::new(Shared::clone(&file.layers())))?),
            _ => None,
        };
        Ok(Self { output, columnar, rows: 0 })
    }

    /// Adds rows; `encoded` is their text in a text format.
    pub(super) fn write(&mut self, batch: &RecordBatch, encoded: Option<&[u8]>) -> Result<Vec<RejectedRecord>> {
        let rejected = match (&mut self.columnar, encoded) {
            (Some(writer), _) => writer.write(batch)?,
            (None, Some(bytes)) => {
                self.output.write(bytes)?;
                Vec::new()
            }
            (None, None) => return Err(Error::internal("a text file was given no text")),
        };
        self.rows += batch.num_rows() as u64;
        Ok(rejected)
    }

    pub(super) fn length(&self) -> u64 {
        match &self.columnar {
            Some(writer) => writer.written(),
            None => self.output.length(),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The file, if readers can follow it while it is written.
    pub(super) fn in_place(&mut self) -> Option<&mut super::output::InPlace> {
        match &mut self.output {
            Output::InPlace(file) => Some(file),
            Output::Closed(_) => None,
        }
    }

    pub(super) fn close(self) -> Result<()> {
        if let Some(writer) = self.columnar {
            drop(writer.finish()?);
        }
        self.output.close()
    }
}
