//! Reading and writing files that are complete only when closed.

use std::fmt::Debug;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;

use crate::error::Result;
use crate::stream::RejectedRecord;

/// What is read of a file.
#[derive(Clone, Debug)]
pub struct ColumnarRequest {
    /// The columns that are wanted; found by name in the file.
    pub schema: SchemaRef,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// A predicate over `schema`: groups of rows that cannot satisfy it may be skipped.
    pub pruning: Option<Arc<dyn PhysicalExpr>>,
    /// Rows at the beginning that are left out.
    pub start_row: u64,
    /// Name of the file in messages.
    pub partition: Arc<str>,
}

/// Rows of a file, in order.
#[derive(Debug)]
pub struct ColumnarBatch {
    /// The rows.
    pub rows: RecordBatch,
    /// Rows that don't fit the wanted columns.
    pub rejected: Vec<RejectedRecord>,
    /// Rows skipped before these.
    pub skipped: u64,
    /// Rows of the file up to the end of this batch.
    pub next_row: u64,
}

/// An open file.
pub trait ColumnarReader: Send {
    /// The next batch; blocks.
    fn next(&mut self) -> Result<Option<ColumnarBatch>>;
}

/// A columnar format as it is read.
pub trait ColumnarInput: Send + Sync + Debug {
    /// The columns of a file, in the engine's types.
    fn schema_of(&self, path: &Path) -> Result<SchemaRef>;

    /// Opens a file.
    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>>;
}

/// A file that is being written.
pub trait ColumnarWriter: Send {
    /// Adds rows; returns those that the format can't express.
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>>;

    /// Bytes written and buffered so far.
    fn written(&self) -> u64;

    /// Completes the file and gives its output back.
    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>>;
}

/// A columnar format as it is written.
pub trait ColumnarFormat: Send + Sync + Debug {
    /// Whether rows of this schema can be written.
    fn check_schema(&self, schema: &SchemaRef) -> Result<()>;

    /// Begins a file.
    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>>;
}
