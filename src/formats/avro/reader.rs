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
use crate::formats::adapt::{Adapter, Rejects};
use crate::formats::columnar_in::never_holds;
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
        let schema = AvroSchema::parse(&container.schema).map_err(|cause| unreadable(&name, &cause))?;
        for (column, reason) in &schema.unsupported {
            tracing::warn!("'{name}': column '{column}' {reason}, which is not supported; it is left out");
        }
        if schema.columns.fields().is_empty() {
            return Err(Error::new(ErrorKind::Source, Fault::User, format!("'{name}' has no column of a type that is supported")));
        }
        Ok(schema.columns)
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
        fed: Arc<AtomicU64>,
    },
    /// Rows of which no column is wanted, or none that has bytes, or none of which can satisfy the predicate (those are `skipped`): it is enough to count them.
    Counted {
        container: Container,
        seen: u64,
        skipped: bool,
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
        let is_wanted = |column: &str| table.field_with_name(column).is_ok();
        if let Some((column, reason)) = schema.unsupported.iter().find(|(column, _)| is_wanted(column)) {
            return Err(Error::new(ErrorKind::Source, Fault::User, format!("'{name}': column '{column}' {reason}, which is not supported"))
                .with_help("leave it out of the statement"));
        }
        // Columns of type null have no bytes; they are NULL without being read.
        let has_bytes = |column: &str| schema.fields().iter().any(|(name, layout)| name == column && !matches!(**layout, Layout::Null));
        let found = schema.columns.fields().iter().filter(|field| is_wanted(field.name()) && has_bytes(field.name()));
        let columns: SchemaRef = Arc::new(Schema::new(found.cloned().collect::<Vec<_>>()));
        let adapter = Adapter::new(&columns, &table).map_err(|e| e.context(format!("'{name}'")))?;
        let skipped = request.pruning.as_ref().is_some_and(never_holds) && *adapter.rejects() == Rejects::NullsIn(Vec::new());
        let rows = match skipped || columns.fields().is_empty() {
            true => Rows::Counted { container, seen: 0, skipped },
            false => decoded(container, &schema, &columns, request).map_err(|cause| failed(&cause))?,
        };
        let start_row = request.start_row;
        let batch_rows = request.batch_rows.max(1);
        Ok(Self { rows, columns, adapter, batch_rows, start_row, next_row: start_row, partition: Arc::clone(&request.partition), name: Arc::from(name) })
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, String> {
        match &mut self.rows {
            Rows::Decoded { decoder, fed } => {
                let batch = match guarded(|| decoder.next())? {
                    Some(batch) => batch.map_err(|e| plain(&e.to_string()))?,
                    None => {
                        let lost = (self.start_row + fed.load(Ordering::Relaxed)).abs_diff(self.next_row);
                        return if lost == 0 { Ok(None) } else { Err(format!("{lost} of its records were not decoded")) };
                    }
                };
                normalize(&batch, &self.columns).map(Some).map_err(|e| e.message().to_owned())
            }
            Rows::Counted { container, seen, .. } => {
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
        if let Rows::Counted { skipped: true, .. } = self.rows {
            self.next_row += batch.num_rows() as u64;
            let none = self.adapter.adapt(&RecordBatch::new_empty(Arc::clone(&self.columns)))?;
            return Ok(ColumnarBatch { rows: none.rows, rejected: Vec::new(), skipped: batch.num_rows() as u64, next_row: self.next_row });
        }
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

/// A decoder of these columns.
fn decoded(container: Container, schema: &AvroSchema, columns: &Schema, request: &ColumnarRequest) -> Result<Rows, String> {
    let wanted: Vec<bool> = schema.fields().iter().map(|(name, _)| columns.field_with_name(name).is_ok()).collect();
    let header = schema.header(&wanted);
    let fields = schema.fields().iter().zip(wanted).map(|((_, layout), wanted)| (Arc::clone(layout), wanted)).collect();
    let mut feed = Feed::new(container, fields, header, request.start_row);
    let fed = feed.fed();
    let rows = request.rows_of(feed.first_record_bytes());
    let decoder = Box::new(decoder(feed, rows)?);
    Ok(Rows::Decoded { decoder, fed })
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
