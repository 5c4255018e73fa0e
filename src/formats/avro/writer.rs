//! Batches into an Avro file.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow_avro::errors::AvroError;
use arrow_avro::writer::format::AvroOcfFormat;
use arrow_avro::writer::{Writer, WriterBuilder};

use super::AvroCompression;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::normalize::normalize;
use crate::formats::stored::{Stored, check_names, find_type, replace_types};
use crate::formats::{ColumnarFormat, ColumnarWriter};
use crate::stream::RejectedRecord;

/// Rows at which a block is written.
const BLOCK_ROWS: usize = 4096;
/// Bytes in memory at which a block is written.
const BLOCK_BYTES: usize = 512 << 10;

/// Avro object container files as configured for writing.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvroOutput {
    /// Codec of the blocks.
    pub compression: AvroCompression,
}

impl AvroOutput {
    fn begin(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<AvroFileWriter> {
        check(schema)?;
        let stored = Stored::new(schema, &stored_type)?;
        // The encoder takes the keys of maps only as plain text; as plain text the size of a column is known as well.
        let encoded =
            Arc::new(Schema::new(replace_types(stored.schema().fields(), &|data_type| (*data_type == DataType::Utf8View).then_some(DataType::LargeUtf8))));
        let count = Arc::new(AtomicU64::new(0));
        let output = Counting { inner: output, count: Arc::clone(&count) };
        let builder = WriterBuilder::new(encoded.as_ref().clone()).with_compression(self.compression.codec());
        let writer = builder.build::<_, AvroOcfFormat>(output).map_err(failed)?;
        Ok(AvroFileWriter { writer, stored, encoded, pending: Vec::new(), pending_rows: 0, pending_bytes: 0, count })
    }
}

impl ColumnarFormat for AvroOutput {
    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        self.begin(schema, Box::new(std::io::sink())).map(|_| ())
    }

    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>> {
        Ok(Box::new(self.begin(schema, output)?))
    }
}

fn check(schema: &SchemaRef) -> Result<()> {
    let refuse = |message: String, help: &str| Err(Error::new(ErrorKind::Sink, Fault::User, message).with_help(help));
    check_names("Avro", schema)?;
    if schema.fields().is_empty() {
        return refuse("an Avro file needs at least one column".to_owned(), "select one");
    }
    let odd = |name: &str| !(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    let odd_field = |data_type: &DataType| match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| field.name()).find(|name| odd(name)).cloned(),
        _ => None,
    };
    let top = schema.fields().iter().map(|field| field.name()).find(|name| odd(name)).cloned();
    if let Some(name) = top.or_else(|| find_type(schema, &odd_field).map(|(_, name)| name)) {
        return refuse(format!("'{name}' is not a name in Avro, which knows only letters A to Z, digits and _"), "give the column another name with AS");
    }
    let unknown = find_type(schema, &|data_type| match data_type {
        DataType::Struct(fields) if fields.is_empty() => Some("a STRUCT without fields".to_owned()),
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) if *scale < 0 => Some("a DECIMAL with a negative scale".to_owned()),
        DataType::Interval(_) | DataType::Duration(_) | DataType::Union(..) => Some(format!("the type {data_type}")),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.first().is_some_and(|key| !is_text(key.data_type())) => Some("a MAP whose keys are not VARCHAR".to_owned()),
            _ => None,
        },
        _ => None,
    });
    match unknown {
        Some((column, what)) => refuse(format!("column '{column}': Avro has no way to store {what}"), "leave it out or CAST it"),
        None => Ok(()),
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Avro has two sizes of integers, both signed, and times from milliseconds or microseconds on.
fn stored_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 => Some(DataType::Int32),
        DataType::UInt32 => Some(DataType::Int64),
        DataType::UInt64 => Some(DataType::Decimal128(20, 0)),
        DataType::Timestamp(TimeUnit::Second, zone) => Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
        DataType::Time64(TimeUnit::Nanosecond) => Some(DataType::Time64(TimeUnit::Microsecond)),
        DataType::Null => Some(DataType::Utf8View),
        _ => None,
    }
}

/// Writes one Avro file. A block is written at 4,096 rows or about 512 KiB in memory.
pub struct AvroFileWriter {
    writer: Writer<Counting, AvroOcfFormat>,
    stored: Stored,
    encoded: SchemaRef,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    count: Arc<AtomicU64>,
}

impl AvroFileWriter {
    fn write_pending(&mut self) -> Result<()> {
        let rows = concat_batches(&self.encoded, &self.pending).map_err(|e| failed(e.into()))?;
        self.pending.clear();
        let row_bytes = self.pending_bytes / self.pending_rows.max(1);
        let step = (BLOCK_BYTES / row_bytes.max(1)).clamp(1, BLOCK_ROWS);
        (self.pending_rows, self.pending_bytes) = (0, 0);
        for start in (0..rows.num_rows()).step_by(step) {
            self.writer.write(&rows.slice(start, step.min(rows.num_rows() - start))).map_err(failed)?;
        }
        Ok(())
    }
}

impl ColumnarWriter for AvroFileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>> {
        let (rows, rejected) = self.stored.convert(batch)?;
        if rows.num_rows() > 0 {
            let rows = normalize(&rows, &self.encoded).map_err(|e| Error::new(ErrorKind::Sink, Fault::User, e.message().to_owned()))?;
            self.pending_rows += rows.num_rows();
            let sizes = rows.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
            self.pending_bytes += sizes.sum::<usize>();
            self.pending.push(rows);
            if self.pending_rows >= BLOCK_ROWS || self.pending_bytes >= BLOCK_BYTES {
                self.write_pending()?;
            }
        }
        Ok(rejected)
    }

    fn written(&self) -> u64 {
        self.count.load(Ordering::Relaxed) + self.pending_bytes as u64
    }

    fn buffered(&self) -> u64 {
        self.pending_bytes as u64
    }

    fn spill(&mut self) -> Result<()> {
        self.write_pending()
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        self.write_pending()?;
        self.writer.finish().map_err(failed)?;
        Ok(self.writer.into_inner().inner)
    }
}

fn failed(e: AvroError) -> Error {
    Error::new(ErrorKind::Sink, Fault::External, format!("can't write Avro: {e}"))
}

/// Counts what goes through.
struct Counting {
    inner: Box<dyn Write + Send>,
    count: Arc<AtomicU64>,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
