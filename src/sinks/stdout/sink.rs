//! Standard output as a sink.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use parking_lot::Mutex;

use super::table::Table;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::BatchEncoder;
use crate::formats::csv::{CsvEncoder, CsvWriteOptions};
use crate::formats::json::JsonEncoder;
use crate::ids::Epoch;
use crate::stream::{DataSink, DataWriter, SinkContext, WriteReport};

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned columns.
    Table,
    /// One object a line.
    Json,
    /// CSV with a header.
    Csv,
}

/// What rows are printed to: shared, since the statements of a script print to one output.
pub type SharedOutput = Arc<Mutex<dyn Write + Send>>;

/// Standard output (or another stream of bytes).
pub struct StdoutSink {
    format: OutputFormat,
    output: SharedOutput,
}

impl std::fmt::Debug for StdoutSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StdoutSink").field("format", &self.format).finish_non_exhaustive()
    }
}

impl StdoutSink {
    /// Prints to `output`.
    pub fn new(format: OutputFormat, output: SharedOutput) -> Self {
        Self { format, output }
    }
}

const CLOSED: &str = "standard output was closed";

/// Whether an error only says that nobody reads the output any more (`… | head`): the job then ends quietly.
pub fn is_closed_pipe(error: &Error) -> bool {
    error.message() == CLOSED
}

fn output_error(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(ErrorKind::Sink, Fault::External, CLOSED);
    }
    Error::io(ErrorKind::Sink, "standard output", error).with_retry(false)
}

enum Printer {
    Table(Table),
    Lines(Box<dyn BatchEncoder>),
}

struct StdoutWriter {
    printer: Printer,
    output: SharedOutput,
    header: Vec<u8>,
    ended: Epoch,
}

impl DataSink for StdoutSink {
    fn name(&self) -> &str {
        "stdout"
    }

    fn describe(&self) -> String {
        "stdout".to_owned()
    }

    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        match self.format {
            OutputFormat::Table => Ok(()),
            OutputFormat::Json => JsonEncoder::new(schema).map(|_| ()),
            OutputFormat::Csv => CsvEncoder::new(schema, CsvWriteOptions { delimiter: b',', has_headers: true }).map(|_| ()),
        }
    }

    fn check_updates(&self, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn open(&self, schema: SchemaRef, _: SinkContext) -> Result<Box<dyn DataWriter>> {
        let printer = match self.format {
            OutputFormat::Table => Printer::Table(Table::new(&schema)),
            OutputFormat::Json => Printer::Lines(Box::new(JsonEncoder::new(&schema)?)),
            OutputFormat::Csv => Printer::Lines(Box::new(CsvEncoder::new(&schema, CsvWriteOptions { delimiter: b',', has_headers: true })?)),
        };
        let header = match &printer {
            Printer::Lines(encoder) => encoder.header(),
            Printer::Table(_) => Vec::new(),
        };
        Ok(Box::new(StdoutWriter { printer, output: Arc::clone(&self.output), header, ended: 0 }))
    }
}

impl StdoutWriter {
    fn print(&self, bytes: &[u8]) -> Result<()> {
        let mut output = self.output.lock();
        output.write_all(bytes).and_then(|()| output.flush()).map_err(output_error)
    }
}

#[async_trait]
impl DataWriter for StdoutWriter {
    async fn write(&mut self, _: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
        let mut bytes = std::mem::take(&mut self.header);
        let mut rejected = Vec::new();
        match &mut self.printer {
            Printer::Table(table) => bytes.extend_from_slice(table.lines(batch)?.as_bytes()),
            Printer::Lines(encoder) => {
                let encoded = encoder.encode(batch)?;
                bytes.extend_from_slice(&encoded.bytes);
                rejected = encoded.rejected;
            }
        }
        self.print(&bytes)?;
        Ok(WriteReport { rejected, failed: None })
    }

    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
        self.ended = epoch;
        Ok(())
    }

    async fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn acked(&self) -> Epoch {
        self.ended
    }

    async fn close(&mut self) -> Result<()> {
        let header = std::mem::take(&mut self.header);
        self.print(&header)
    }
}
