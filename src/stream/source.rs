//! What stands at the beginning of a job.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::physical_expr::PhysicalExpr;

use super::{Health, MetadataColumn, Position, RejectedRecord};
use crate::error::Result;

/// Whether a source ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundedness {
    /// It ends; it can be read as a table.
    Bounded,
    /// It may never end.
    Unbounded,
}

/// Bytes of a long row.
pub const LONG_ROW: usize = 4096;

/// The bytes that a row of some columns takes whatever is in it.
pub(crate) fn row_width(schema: &Schema) -> usize {
    // A view of a text, or the ends of a list.
    const VIEW: usize = 16;
    schema.fields().iter().map(|field| field.data_type().primitive_width().unwrap_or(VIEW)).sum()
}

/// What a reader is asked for; known after planning.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Indices into [`DataSource::schema`] of the columns to decode, ascending. May be empty: then batches have rows but no columns.
    pub columns: Vec<usize>,
    /// Columns from [`DataSource::metadata`] that the batches have after those.
    pub metadata: Vec<MetadataColumn>,
    /// Where the reader tells the state of its connection.
    pub health: Arc<Health>,
    /// Most rows of a batch; fewer where they are longer than [`LONG_ROW`], so that they take about as much as so many of that length.
    pub batch_rows: usize,
    /// Tasks that decode at the same time; order is kept.
    pub parallelism: usize,
    /// A predicate over the requested columns that the plan applies anyway: a reader may skip whole groups of rows that cannot satisfy it, and counts them in
    /// [`SourceBatch::skipped`].
    pub pruning: Option<Arc<dyn PhysicalExpr>>,
}

/// Decoded rows, and the position after them.
#[derive(Clone, Debug)]
pub struct SourceBatch {
    /// The rows, with the requested columns and then the requested metadata.
    pub rows: RecordBatch,
    /// Rows known not to satisfy [`ReadRequest::pruning`] that were not decoded.
    pub skipped: u64,
    /// Records that could not be decoded, in order; they are not among `rows`.
    pub rejected: Vec<RejectedRecord>,
    /// Encoded size of the records, in bytes, before decompression where that is known.
    pub bytes: u64,
    /// Where to resume after these rows: the partitions that they moved. Partitions of earlier batches keep their offsets.
    pub position: Position,
}

impl SourceBatch {
    /// Records this batch accounts for: decoded, skipped and rejected ones.
    pub fn records(&self) -> u64 {
        self.rows.num_rows() as u64 + self.skipped + self.rejected.len() as u64
    }
}

/// A configured source. Creating one checks that it can be read (exists, permission, schema) and infers the schema where none is declared.
pub trait DataSource: Send + Sync + Debug {
    /// The table name of the statement.
    fn name(&self) -> &str;

    /// The columns, in source order. Text is `Utf8View`, instants are `Timestamp(Microsecond, "UTC")` unless declared otherwise.
    fn schema(&self) -> SchemaRef;

    /// What it knows of a record besides its value.
    fn metadata(&self) -> &'static [MetadataColumn] {
        &[]
    }

    /// Whether it ends.
    fn boundedness(&self) -> Boundedness;

    /// Roughly how many bytes of rows there are to read, for choosing the build side of joins in batch mode.
    fn estimated_bytes(&self) -> u64;

    /// One phrase for `explain` and the start line, e.g. `file data/orders.jsonl, 3 columns`.
    fn describe(&self) -> String;

    /// Its job starts: what comes from now on is to be read, be the reader opened later. Returns at once.
    fn begin(&self) {}

    /// Opens a reader at the configured start.
    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>>;
}

/// Moves batches out of a source.
#[async_trait]
pub trait DataReader: Send {
    /// The next batch; waits for one. `None` is the end of a bounded source. Batches may be empty of rows (all rejected, or all skipped).
    ///
    /// **Errors** end the reader unless [`crate::error::Error::retry`] says that the same call may succeed later.
    /// **Cancel**: dropping the future loses nothing.
    async fn next(&mut self) -> Result<Option<SourceBatch>>;

    /// Continues after `position`: the offsets of all batches so far, the later ones replacing the earlier. Before the first [`Self::next`] only.
    async fn seek(&mut self, position: &Position) -> Result<()>;

    /// Everything up to `position` is durable in all sinks: the source may forget it. Returns at once; what is told later replaces what was told earlier.
    fn durable(&mut self, _position: &Position) {}

    /// Ends the reading, after the last [`Self::durable`].
    async fn close(&mut self) {}
}
