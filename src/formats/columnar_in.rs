//! What a columnar file format (Parquet, Avro) offers to readers.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use crate::error::Result;
use crate::stream::{LONG_ROW, RejectedRecord};

/// What a reader of one file is asked for.
#[derive(Clone, Debug)]
pub struct ColumnarRequest {
    /// All columns of the table. They are found in the file by name; a nullable column that the file does not have is NULL.
    pub schema: SchemaRef,
    /// Indices into `schema` of the columns to read, ascending. May be empty: then batches have rows but no columns.
    pub columns: Vec<usize>,
    /// Most rows of a batch; fewer where they are longer than [`LONG_ROW`].
    pub batch_rows: usize,
    /// A predicate over the requested columns (its column indices count those). Groups of rows that cannot satisfy it may be left out; the plan applies it anyway.
    pub pruning: Option<Arc<dyn PhysicalExpr>>,
    /// Rows at the beginning of the file that were accounted for by an earlier reader.
    pub start_row: u64,
    /// Name of the file in the places of rejected rows.
    pub partition: Arc<str>,
}

impl ColumnarRequest {
    /// Rows of a batch, at least 1, if each takes so many bytes.
    pub(super) fn rows_of(&self, bytes_of_row: u64) -> usize {
        let most = (self.batch_rows.max(1) * LONG_ROW) as u64 / bytes_of_row.max(1);
        usize::try_from(most).unwrap_or(usize::MAX).clamp(1, self.batch_rows.max(1))
    }
}

/// Rows of a file, and how far they reach.
#[derive(Clone, Debug)]
pub struct ColumnarBatch {
    /// The rows, with the requested columns in the types of [`ColumnarRequest::schema`].
    pub rows: RecordBatch,
    /// Rows that do not fit the columns, in order; their places count rows of the file from 1.
    pub rejected: Vec<RejectedRecord>,
    /// Rows known not to satisfy [`ColumnarRequest::pruning`] that were not read.
    pub skipped: u64,
    /// Rows of the file accounted for so far, those before [`ColumnarRequest::start_row`] included; a later reader resumes here.
    pub next_row: u64,
}

/// Whether a predicate says that no row satisfies it.
pub(super) fn never_holds(predicate: &Arc<dyn PhysicalExpr>) -> bool {
    let literal = predicate.as_any().downcast_ref::<Literal>();
    literal.is_some_and(|literal| matches!(literal.value(), ScalarValue::Boolean(Some(false) | None)))
}

/// One open columnar file.
pub trait ColumnarReader: Send {
    /// The next batch in file order, `None` at the end. Batches may be empty of rows (all rejected or skipped). An error ends the reader.
    fn next(&mut self) -> Result<Option<ColumnarBatch>>;
}

/// A columnar format as configured for reading.
pub trait ColumnarInput: Send + Sync + Debug {
    /// The columns of a file, in the types the engine works with. Errors: the file can't be read, is not of this format, or has columns that can't be represented.
    fn schema_of(&self, path: &Path) -> Result<SchemaRef>;

    /// Opens a file. Errors: as [`ColumnarInput::schema_of`], and columns whose types can't become those of the table.
    fn open(&self, path: &Path, request: &ColumnarRequest) -> Result<Box<dyn ColumnarReader>>;
}
