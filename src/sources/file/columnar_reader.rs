//! Reads Parquet and Avro files, one after another, on a thread of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use tokio::sync::mpsc;

use super::listing::Listing;
use super::path_columns::{Completion, Origin};
use super::sample::conflicting;
use super::text_reader::partition_name;
use crate::error::{Error, Fault, Result};
use crate::formats::avro::AvroInput;
use crate::formats::parquet::ParquetInput;
use crate::formats::{ColumnarInput, ColumnarRequest, FormatName, merge_schemas};
use crate::stream::{DataReader, Position, ReadRequest, RecordPlace, RejectedRecord, SourceBatch};
use crate::unwind::guarded_reading;

/// Batches read ahead.
const AHEAD: usize = 2;

/// A columnar format as a source of files.
#[derive(Clone, Debug)]
pub(super) struct ColumnarSource {
    input: Arc<dyn ColumnarInput>,
}

impl ColumnarSource {
    pub(super) fn new(format: FormatName) -> Self {
        match format {
            FormatName::Avro => Self { input: Arc::new(AvroInput) },
            _ => Self { input: Arc::new(ParquetInput) },
        }
    }

    /// The columns of all files as one table.
    pub(super) fn schema_of_all(&self, name: &str, files: &[PathBuf]) -> Result<Schema> {
        let mut merged: Option<(Schema, &PathBuf)> = None;
        for path in files {
            let found = self.input.schema_of(path)?;
            merged = Some(match merged {
                None => (found.as_ref().clone(), path),
                Some((known, first)) => (merge_schemas(&known, &found).map_err(|conflict| conflicting(name, first, path, &conflict))?, first),
            });
        }
        merged.map(|(schema, _)| schema).ok_or_else(|| super::sample::nothing_to_infer(name))
    }
}

/// What to read.
#[derive(Clone, Debug)]
pub(super) struct ColumnarPlan {
    pub source: ColumnarSource,
    pub listing: Listing,
    pub schema: SchemaRef,
    pub request: ReadRequest,
}

impl ColumnarPlan {
    pub(super) fn reader(self) -> Box<dyn DataReader> {
        Box::new(ColumnarFilesReader { plan: self, resume: Position::default(), batches: None })
    }

    fn read_all(&self, resume: &Position, sender: &mpsc::Sender<Result<SourceBatch>>) -> Result<()> {
        for path in self.listing.files().map_err(|error| error.with_fault(Fault::External).with_retry(true))? {
            if !self.read_file(&path, resume, sender)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads a file; false if the consumer has gone. One that is damaged is a record that is rejected: what stands before the damage is read.
    fn read_file(&self, path: &Path, resume: &Position, sender: &mpsc::Sender<Result<SourceBatch>>) -> Result<bool> {
        let partition = partition_name(path);
        let start_row = resume.offsets.get(&partition).copied().unwrap_or(0);
        let send = |rows: RecordBatch, skipped: u64, rejected: Vec<RejectedRecord>, next_row: u64| {
            let bytes = rows.get_array_memory_size() as u64;
            let position = Position::of(&partition, next_row);
            sender.blocking_send(Ok(SourceBatch { rows, skipped, rejected, bytes, position })).is_ok()
        };
        let give_up = |reason: String, row: u64| {
            let place = RecordPlace { partition: Arc::clone(&partition), unit: "row", number: row + 1 };
            let wanted =
                self.schema.project(&self.request.columns).map_err(|error| Error::internal("a column that the table does not have").with_source(error))?;
            Ok(send(RecordBatch::new_empty(Arc::new(wanted)), 0, vec![RejectedRecord { place: Some(place), reason }], row))
        };
        let completion = match Completion::new(&self.schema, &self.request.columns, &self.listing.path_columns(path)) {
            Ok(completion) => completion,
            Err(reason) => return give_up(format!("{reason}; the file is left out"), start_row),
        };
        let request = ColumnarRequest {
            schema: Arc::clone(&completion.file_table),
            columns: completion.file_columns.clone(),
            batch_rows: self.request.batch_rows,
            pruning: self.request.pruning.as_ref().and_then(|predicate| in_file(predicate, &completion.origins)),
            start_row,
            partition: Arc::clone(&partition),
        };
        let mut row = start_row;
        let mut reader = match self.source.input.open(path, &request) {
            Ok(reader) => reader,
            // Where the columns can be read, they are not those of the table.
            Err(error) if error.retry() || self.source.input.schema_of(path).is_ok() => return Err(error),
            Err(error) => return give_up(error.message().to_owned(), row),
        };
        loop {
            match reader.next() {
                Ok(None) => return Ok(true),
                Ok(Some(batch)) => {
                    row = batch.next_row;
                    if !send(completion.complete(&batch.rows)?, batch.skipped, batch.rejected, row) {
                        return Ok(false);
                    }
                }
                Err(error) if error.retry() => return Err(error),
                Err(error) => return give_up(format!("{}; the rest of the file is left out", error.message()), row),
            }
        }
    }
}

/// A predicate over the wanted columns as one over those of them that the file has; the others have the values of its path.
fn in_file(predicate: &Arc<dyn PhysicalExpr>, origins: &[Origin]) -> Option<Arc<dyn PhysicalExpr>> {
    let replaced = Arc::clone(predicate).transform(|expression| {
        let Some(column) = expression.as_any().downcast_ref::<Column>() else { return Ok(Transformed::no(expression)) };
        Ok(match origins.get(column.index()) {
            Some(Origin::File(at)) => Transformed::yes(Arc::new(Column::new(column.name(), *at))),
            Some(Origin::Path(value)) => Transformed::yes(Arc::new(Literal::new(value.clone()))),
            None => Transformed::no(expression),
        })
    });
    let replaced = replaced.ok()?.data;
    let mut kept = Vec::new();
    for part in split_conjunction(&replaced) {
        if !collect_columns(part).is_empty() {
            kept.push(Arc::clone(part));
        } else if !constant(part).is_none_or(|holds| holds) {
            return Some(Arc::new(Literal::new(ScalarValue::Boolean(Some(false)))));
        }
    }
    (!kept.is_empty()).then(|| conjunction(kept))
}

/// Whether a predicate without columns holds, if that can be told.
fn constant(predicate: &Arc<dyn PhysicalExpr>) -> Option<bool> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).ok()?;
    let value = predicate.evaluate(&row).ok()?.into_array(1).ok()?;
    let holds = value.as_boolean_opt()?;
    Some(holds.is_valid(0) && holds.value(0))
}

struct ColumnarFilesReader {
    plan: ColumnarPlan,
    resume: Position,
    batches: Option<mpsc::Receiver<Result<SourceBatch>>>,
}

#[async_trait]
impl DataReader for ColumnarFilesReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        if self.batches.is_none() {
            let (sender, receiver) = mpsc::channel(AHEAD);
            let (plan, resume) = (self.plan.clone(), self.resume.clone());
            let run = move || {
                if let Err(error) = guarded_reading(|| plan.read_all(&resume, &sender)) {
                    let _gone = sender.blocking_send(Err(error));
                }
            };
            std::thread::Builder::new()
                .name("file-source".to_owned())
                .spawn(run)
                .map_err(|error| Error::internal("cannot start a thread").with_source(error))?;
            self.batches = Some(receiver);
        }
        match &mut self.batches {
            Some(batches) => batches.recv().await.transpose(),
            None => Ok(None),
        }
    }

    async fn seek(&mut self, position: &Position) -> Result<()> {
        self.resume = position.clone();
        self.batches = None;
        Ok(())
    }
}
