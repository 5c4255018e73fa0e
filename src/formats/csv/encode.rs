//! Batches to records.

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, SchemaRef};

use crate::error::{Error, Result};
use crate::formats::contract::{BatchEncoder, EncodedBatch};
use crate::formats::value::{Quoting, Scalar, write_scalar};

/// How CSV is written.
#[derive(Clone, Copy, Debug)]
pub struct CsvWriteOptions {
    /// Between fields.
    pub delimiter: u8,
    /// A first record names the columns.
    pub has_headers: bool,
}

/// Writes one record a line; NULL is an empty field, the empty text is `""`, line ends are `\n`.
#[derive(Debug)]
pub struct CsvEncoder {
    header: Vec<u8>,
    delimiter: u8,
}

impl CsvEncoder {
    /// An encoder for batches of this schema.
    ///
    /// **Errors**: a column is nested.
    pub fn new(schema: &SchemaRef, options: CsvWriteOptions) -> Result<Self> {
        for field in schema.fields() {
            if !Scalar::supports(field.data_type()) {
                let kind = if matches!(field.data_type(), DataType::Struct(_) | DataType::Map(..)) { "nested" } else { "a list" };
                return Err(
                    Error::config(format!("column '{}' is {kind}, which CSV can't hold", field.name())).with_help("select its parts, or write json or parquet")
                );
            }
        }
        let mut header = Vec::new();
        if options.has_headers {
            for (at, field) in schema.fields().iter().enumerate() {
                if at > 0 {
                    header.push(options.delimiter);
                }
                write_text(field.name(), options.delimiter, &mut header);
            }
            header.push(b'\n');
        }
        Ok(Self { header, delimiter: options.delimiter })
    }
}

impl BatchEncoder for CsvEncoder {
    fn header(&self) -> Vec<u8> {
        self.header.clone()
    }

    fn encode(&self, batch: &RecordBatch) -> Result<EncodedBatch> {
        let columns = batch
            .columns()
            .iter()
            .map(|array| {
                let values = Scalar::new(array)?;
                let quoting = values.quoting();
                Ok((values, quoting, array.logical_nulls().filter(|nulls| nulls.null_count() > 0)))
            })
            .collect::<Result<Vec<(Scalar, Quoting, Option<NullBuffer>)>>>()?;
        let mut out = Vec::with_capacity(batch.num_rows() * columns.len() * 12);
        for row in 0..batch.num_rows() {
            for (at, (values, quoting, nulls)) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(self.delimiter);
                }
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    continue;
                }
                match quoting {
                    Quoting::Text => write_text(values.text(row).unwrap_or_default(), self.delimiter, &mut out),
                    Quoting::Plain => {
                        let before = out.len();
                        write_scalar(values, row, &mut out);
                        if out.len() == before {
                            // No bytes are not NULL.
                            out.extend_from_slice(b"\"\"");
                        }
                    }
                    _ => write_scalar(values, row, &mut out),
                }
            }
            out.push(b'\n');
        }
        Ok(EncodedBatch { bytes: out, rows: batch.num_rows() as u64, rejected: Vec::new() })
    }
}

/// A text, in quotes if it needs them: it is empty, holds a delimiter, a quote or a line end, or has blanks at an end that a reader might drop.
#[inline]
fn write_text(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let special = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    let blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    // At the beginning of a file U+FEFF would be taken for a byte order mark.
    let mark = text.starts_with('\u{feff}');
    if !mark && !blank(bytes.first()) && !blank(bytes.last()) && !bytes.iter().any(special) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
