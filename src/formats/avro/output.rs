//! Rows as a file.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::writer::format::AvroOcfFormat;
use arrow_avro::writer::{Writer, WriterBuilder};

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::columnar::{ColumnarFormat, ColumnarWriter};
use crate::formats::schema_text::print_type;
use crate::stream::RejectedRecord;

/// Compression inside the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvroCodec {
    /// None.
    #[default]
    None,
    /// Deflate.
    Deflate,
    /// Snappy.
    Snappy,
    /// Zstandard.
    Zstd,
}

/// Avro object container files.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvroOutput {
    /// Compression inside the file.
    pub codec: AvroCodec,
}

impl ColumnarFormat for AvroOutput {
    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| check(field))
    }

    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>> {
        let codec = match self.codec {
            AvroCodec::None => None,
            AvroCodec::Deflate => Some(CompressionCodec::Deflate),
            AvroCodec::Snappy => Some(CompressionCodec::Snappy),
            AvroCodec::Zstd => Some(CompressionCodec::ZStandard),
        };
        let written = Arc::new(AtomicU64::new(0));
        let output = Counted { inner: output, written: Arc::clone(&written) };
        let plain = Schema::new(schema.fields().clone());
        let writer = WriterBuilder::new(plain).with_compression(codec).build::<_, AvroOcfFormat>(output).map_err(|error| fault(&error))?;
        Ok(Box::new(AvroFileWriter { writer, written }))
    }
}

/// Avro's names are `[A-Za-z_][A-Za-z0-9_]*`, its numbers signed, and its types fewer.
fn check(field: &Field) -> Result<()> {
    let name = field.name();
    let named = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
    if !named {
        return Err(Error::config(format!("column '{name}' has a name that Avro can't hold")).with_help("give it a name of letters, digits and _ with AS"));
    }
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check(field)),
        DataType::List(item) => check(&item.as_ref().clone().with_name("item")),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 && matches!(pair[0].data_type(), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8) => {
                check(&pair[1])
            }
            _ => Err(Error::config(format!("column '{name}' is a map whose keys are not texts, which Avro can't hold"))),
        },
        DataType::UInt64 => {
            Err(Error::config(format!("column '{name}' is BIGINT UNSIGNED, which Avro can't hold")).with_help("CAST it to DECIMAL(20,0) in the SELECT list"))
        }
        DataType::Timestamp(TimeUnit::Second, _) => Err(Error::config(format!("column '{name}' is {}, which Avro can't hold", print_type(field.data_type())))
            .with_help("CAST it to TIMESTAMP in the SELECT list")),
        DataType::Interval(_) | DataType::Duration(_) => {
            Err(Error::config(format!("column '{name}' is a span of time, which Avro can't hold")).with_help("CAST it to VARCHAR or BIGINT in the SELECT list"))
        }
        _ => Ok(()),
    }
}

fn fault(error: &dyn std::fmt::Display) -> Error {
    let text = error.to_string();
    let text = text.find(" (os error").map_or(text.as_str(), |end| &text[..end]).to_owned();
    Error::new(ErrorKind::Sink, Fault::External, format!("cannot write Avro: {text}"))
}

struct Counted {
    inner: Box<dyn Write + Send>,
    written: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

struct AvroFileWriter {
    writer: Writer<Counted, AvroOcfFormat>,
    written: Arc<AtomicU64>,
}

impl ColumnarWriter for AvroFileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>> {
        self.writer.write(batch).map_err(|error| fault(&error))?;
        Ok(Vec::new())
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        self.writer.finish().map_err(|error| fault(&error))?;
        Ok(self.writer.into_inner().inner)
    }
}
