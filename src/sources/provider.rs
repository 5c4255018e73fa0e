//! A table of DataFusion as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use super::registered::SourceKind;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::stream::{Boundedness, DataReader, DataSource, Position, ReadRequest, SourceBatch};

/// Taken for the size of a table that does not tell it.
const ASSUMED_BYTES: u64 = 1 << 20;

/// A table that statements read by its name, without any setting.
#[derive(Clone, Debug)]
pub struct ProviderTable(pub Arc<dyn TableProvider>);

impl SourceKind for ProviderTable {
    fn create(&self, name: &str, _: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>> {
        Ok(Arc::new(ProviderSource { name: name.to_owned(), table: Arc::clone(&self.0) }))
    }
}

#[derive(Debug)]
struct ProviderSource {
    name: String,
    table: Arc<dyn TableProvider>,
}

impl DataSource for ProviderSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn boundedness(&self) -> Boundedness {
        Boundedness::Bounded
    }

    fn estimated_bytes(&self) -> u64 {
        match self.table.statistics().map(|statistics| statistics.total_byte_size) {
            Some(Precision::Exact(bytes) | Precision::Inexact(bytes)) => bytes as u64,
            Some(Precision::Absent) | None => ASSUMED_BYTES,
        }
    }

    fn describe(&self) -> String {
        format!("registered table, {} columns", self.table.schema().fields().len())
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        Ok(Box::new(ProviderReader {
            name: Arc::from(self.name.as_str()),
            table: Arc::clone(&self.table),
            columns: request.columns,
            rows: None,
            read: 0,
            skip: 0,
        }))
    }
}

struct ProviderReader {
    name: Arc<str>,
    table: Arc<dyn TableProvider>,
    columns: Vec<usize>,
    rows: Option<SendableRecordBatchStream>,
    read: u64,
    /// Rows that were read before.
    skip: u64,
}

impl ProviderReader {
    fn fault(&self, error: DataFusionError) -> Error {
        Error::new(ErrorKind::Source, Fault::External, format!("source '{}': its table can't be read: {error}", self.name)).with_source(error)
    }
}

#[async_trait]
impl DataReader for ProviderReader {
    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        loop {
            let rows = match &mut self.rows {
                Some(rows) => rows,
                None => {
                    let session = SessionContext::new();
                    let plan = self.table.scan(&session.state(), Some(&self.columns), &[], None).await.map_err(|error| self.fault(error))?;
                    let rows = execute_stream(plan, session.task_ctx()).map_err(|error| self.fault(error))?;
                    self.rows.insert(rows)
                }
            };
            let Some(batch) = rows.next().await else { return Ok(None) };
            let batch = batch.map_err(|error| self.fault(error))?;
            let rows = batch.num_rows() as u64;
            let skipped = self.skip.min(rows);
            self.skip -= skipped;
            self.read += rows;
            if skipped == rows {
                continue;
            }
            let rows = batch.slice(skipped as usize, (rows - skipped) as usize);
            let bytes = rows.get_array_memory_size() as u64;
            return Ok(Some(SourceBatch { rows, skipped: 0, rejected: Vec::new(), bytes, position: Position::of(&self.name, self.read) }));
        }
    }

    async fn seek(&mut self, position: &Position) -> Result<()> {
        self.skip = position.offsets.get(&self.name).copied().unwrap_or(0);
        Ok(())
    }
}
