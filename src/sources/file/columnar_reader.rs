//! Reads Parquet and Avro files, one after another, on a thread of their own.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use tokio::sync::mpsc;

use super::listing::Listing;
use super::sample::conflicting;
use super::text_reader::partition_name;
use crate::error::{Error, Result};
use crate::formats::avro::AvroInput;
use crate::formats::parquet::ParquetInput;
use crate::formats::{ColumnarInput, ColumnarRequest, FormatName, merge_schemas};
use crate::stream::{DataReader, Position, ReadRequest, SourceBatch};

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
        for path in self.listing.files()? {
            let partition = partition_name(&path);
            let request = ColumnarRequest {
                schema: Arc::clone(&self.schema),
                columns: self.request.columns.clone(),
                batch_rows: self.request.batch_rows,
                pruning: self.request.pruning.clone(),
                start_row: resume.offsets.get(&partition).copied().unwrap_or(0),
                partition: Arc::clone(&partition),
            };
            let mut reader = self.source.input.open(&path, &request)?;
            while let Some(batch) = reader.next()? {
                let bytes = batch.rows.get_array_memory_size() as u64;
                let position = Position::of(&partition, batch.next_row);
                let batch = SourceBatch { rows: batch.rows, skipped: batch.skipped, rejected: batch.rejected, bytes, position };
                if sender.blocking_send(Ok(batch)).is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
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
                if let Err(error) = plan.read_all(&resume, &sender) {
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
