//! Batches out of an Avro file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow_avro::reader::Reader as Decoder;

use super::container::Container;
use super::feed::Feed;
use super::layout::Layout;
use super::schema::{AvroSchema, decoder, plain};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::adapt::Adapter;
use crate::formats::normalize::normalize;
use crate::formats::unwind::guarded;
use crate::formats::{ColumnarBatch, ColumnarInput, ColumnarReader, ColumnarRequest};
use crate::stream::{RecordPlace, RejectedRecord};

/// Avro object container files as configured for reading; codec and schema are told by the file. Enumerations and UUIDs in text form are text.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvroInput;

impl ColumnarInput for AvroInput {
    fn schema_of(&self, path: &Path) -> Result<SchemaRef> {
        let name = path.display().to_string();
        let container = open(path, &name)?;
        AvroSchema::parse(&container.schema).map(|schema| schema.columns).map_err(|cause| unreadable(&name, &cause))
    }

    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>> {
        let name = path.display().to_string();
        let container = open(path, &name)?;
        let schema = AvroSchema::parse(&container.schema).map_err(|cause| unreadable(&name, &cause))?;
        Ok(Box::new(Reader::new(container, schema, request, &name)?))
    }
}

fn open(path: &Path, name: &str) -> Result<Container> {
    let file = File::open(path).map_err(|e| Error::io(ErrorKind::Source, format!("can't open '{name}'"), e))?;
    let length = file.metadata().map_err(|e| Error::io(ErrorKind::Source, format!("can't read '{name}'"), e))?.len();
    Container::open(file, length).map_err(|cause| unreadable(name, &cause))
}

fn unreadable(name: &str, cause: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("'{name}' can't be read as an Avro file: {cause}"))
        .with_help("it may be damaged, unfinished or of another format")
}

enum Rows {
    /// Rows with columns. The count is that of the rows fed to the decoder.
    Decoded {
        decoder: Box<Decoder<Feed>>,
        selection: Option<Vec<usize>>,
        fed: Arc<AtomicU64>,
    },
    /// Rows of which no column is wanted, or none that has bytes: it is enough to count them.
    Counted {
        container: Container,
        seen: u64,
    },
    Ended,
}

struct Reader {
    rows: Rows,
    /// The columns that are decoded.
    columns: SchemaRef,
    adapter: Adapter,
    batch_rows: usize,
    start_row: u64,
    next_row: u64,
    partition: Arc<str>,
    name: Arc<str>,
}

impl Reader {
    fn new(container: Container, schema: AvroSchema, request: &ColumnarRequest, name: &str) -> Result<Self> {
        let failed = |cause: &str| unreadable(name, cause);
        let table = Arc::new(request.schema.project(&request.columns).map_err(|e| failed(&e.to_string()))?);
        // Columns of type null have no bytes; they are NULL without being read.
        let wanted = |field: &(String, Arc<Layout>)| table.field_with_name(&field.0).is_ok() && !matches!(*field.1, Layout::Null);
        let selection: Vec<usize> = schema.fields().iter().enumerate().filter(|(_, field)| wanted(field)).map(|(at, _)| at).collect();
        let columns: SchemaRef = Arc::new(schema.columns.project(&selection).map_err(|e| failed(&e.to_string()))?);
        let adapter = Adapter::new(&columns, &table).map_err(|e| e.context(format!("'{name}'")))?;
        let rows = match selection.is_empty() {
            true => Rows::Counted { container, seen: 0 },
            false => decoded(container, schema, selection, request).map_err(|cause| failed(&cause))?,
        };
        let start_row = request.start_row;
        let batch_rows = request.batch_rows.max(1);
        Ok(Self { rows, columns, adapter, batch_rows, start_row, next_row: start_row, partition: Arc::clone(&request.partition), name: Arc::from(name) })
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, String> {
        match &mut self.rows {
            Rows::Decoded { decoder, selection, fed } => {
                let batch = match guarded(|| decoder.next())? {
                    Some(batch) => batch.map_err(|e| plain(&e.to_string()))?,
                    None => {
                        let lost = (self.start_row + fed.load(Ordering::Relaxed)).abs_diff(self.next_row);
                        return if lost == 0 { Ok(None) } else { Err(format!("{lost} of its records were not decoded")) };
                    }
                };
                let batch = match selection {
                    Some(selection) => batch.project(selection).map_err(|e| e.to_string())?,
                    None => batch,
                };
                normalize(&batch, &self.columns).map(Some).map_err(|e| e.message().to_owned())
            }
            Rows::Counted { container, seen } => {
                let enough = self.next_row.saturating_add(self.batch_rows as u64);
                while *seen < enough {
                    let Some(block) = container.next()? else { break };
                    *seen = seen.checked_add(block.records).ok_or("a block has an impossible number of records")?;
                }
                if *seen <= self.next_row {
                    return Ok(None);
                }
                let count = usize::try_from(*seen - self.next_row).unwrap_or(usize::MAX).min(self.batch_rows);
                let options = RecordBatchOptions::new().with_row_count(Some(count));
                RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).map(Some).map_err(|e| e.to_string())
            }
            Rows::Ended => Ok(None),
        }
    }

    fn hand_out(&mut self, batch: &RecordBatch) -> Result<ColumnarBatch> {
        let adapted = self.adapter.adapt(batch).map_err(|e| e.context(format!("'{}'", self.name)))?;
        let first = self.next_row;
        self.next_row += batch.num_rows() as u64;
        let rejected = adapted.rejected.into_iter().map(|rejected| RejectedRecord {
            place: Some(RecordPlace { partition: Arc::clone(&self.partition), unit: "row", number: first + rejected.row as u64 + 1 }),
            reason: rejected.reason,
        });
        Ok(ColumnarBatch { rows: adapted.rows, rejected: rejected.collect(), skipped: 0, next_row: self.next_row })
    }
}

/// A decoder of the fields at `selection`. A type that is defined in a field which is left out can't be found by the decoder; then it decodes all fields.
fn decoded(container: Container, schema: AvroSchema, selection: Vec<usize>, request: &ColumnarRequest) -> Result<Rows, String> {
    let all = selection.len() == schema.fields().len();
    let narrow = !all && decoder(schema.header.as_slice(), Some(selection.clone()), 1).is_ok();
    let feed = Feed::new(container, schema.layout, schema.header, request.start_row);
    let fed = feed.fed();
    let decoder = Box::new(decoder(feed, narrow.then(|| selection.clone()), request.batch_rows.max(1))?);
    Ok(Rows::Decoded { decoder, selection: (!all && !narrow).then_some(selection), fed })
}

impl ColumnarReader for Reader {
    fn next(&mut self) -> Result<Option<ColumnarBatch>> {
        let result = match self.read() {
            Ok(Some(batch)) => self.hand_out(&batch).map(Some),
            Ok(None) => Ok(None),
            Err(cause) => Err(unreadable(&self.name, &cause)),
        };
        if !matches!(result, Ok(Some(_))) {
            self.rows = Rows::Ended;
        }
        result
    }
}
