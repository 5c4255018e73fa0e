//! The format of a file sink: text or columnar.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::options::{Codec, FileSinkOptions};
use super::output::Output;
use super::temporary::Temporary;
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
    pub(super) fn new(sink: &str, format: FormatName, options: &FileSinkOptions, schema: &SchemaRef) -> Result<Self> {
        let wrong = |known: &str| {
            Error::setting(sink, "compression", format!(": {} files can't be compressed that way", format.as_str())).with_help(format!("one of {known}"))
        };
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
}

impl OpenFile {
    pub(super) fn new(output: Output, format: &SinkFormat, schema: &SchemaRef) -> Result<Self> {
        let columnar = match (format, &output) {
            (SinkFormat::Columnar(columnar), Output::Closed(file)) => {
                Some(columnar.writer(schema, Box::new(file.layers())).map_err(|error| file.explain(error))?)
            }
            _ => None,
        };
        Ok(Self { output, columnar })
    }

    /// Adds rows; `encoded` is their text in a text format.
    pub(super) fn write(&mut self, batch: &RecordBatch, encoded: Option<&[u8]>) -> Result<Vec<RejectedRecord>> {
        match (&mut self.columnar, encoded) {
            (Some(writer), _) => writer.write(batch).map_err(|error| self.explain(error)),
            (None, Some(bytes)) => self.output.write(bytes).map(|()| Vec::new()),
            (None, None) => Err(Error::internal("a text file was given no text")),
        }
    }

    fn explain(&self, error: Error) -> Error {
        match &self.output {
            Output::Closed(file) => file.explain(error),
            Output::InPlace(_) => error,
        }
    }

    pub(super) fn length(&self) -> u64 {
        match &self.columnar {
            Some(writer) => writer.written(),
            None => self.output.length(),
        }
    }

    /// Bytes that wait in memory for the end of a row group or a block.
    pub(super) fn buffered(&self) -> u64 {
        self.columnar.as_ref().map_or(0, |writer| writer.buffered())
    }

    /// Writes these bytes now.
    pub(super) fn spill(&mut self) -> Result<()> {
        let spilled = self.columnar.as_mut().map_or(Ok(()), |writer| writer.spill());
        spilled.map_err(|error| self.explain(error))
    }

    /// The file, if readers can follow it while it is written.
    pub(super) fn in_place(&mut self) -> Option<&mut super::output::InPlace> {
        match &mut self.output {
            Output::InPlace(file) => Some(file),
            Output::Closed(_) => None,
        }
    }

    /// Completes the file; one that is not in place still has to get its name.
    pub(super) fn close(mut self) -> Result<Option<Temporary>> {
        if let Some(writer) = self.columnar.take() {
            drop(writer.finish().map_err(|error| self.explain(error))?);
        }
        self.output.close()
    }
}
