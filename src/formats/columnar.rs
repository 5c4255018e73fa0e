//! What a columnar file format (Parquet, Avro) offers to writers. Its files are readable only once finished.

use std::fmt::Debug;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::stream::RejectedRecord;

/// Writes one columnar file.
pub trait ColumnarWriter: Send {
    /// Takes rows and returns those that the format can't express. After an error the file is unusable.
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<RejectedRecord>>;

    /// Bytes handed to the output so far plus an estimate of those still buffered: what the file would measure if it were finished now.
    fn written(&self) -> u64;

    /// Bytes in memory that wait for the end of a row group or a block.
    fn buffered(&self) -> u64;

    /// Ends the row group or block, so that they are written now. After an error the file is unusable.
    fn spill(&mut self) -> Result<()>;

    /// Writes what is left and gives the output back.
    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>>;
}

/// A columnar format as configured for writing.
pub trait ColumnarFormat: Send + Sync + Debug {
    /// Whether files of this schema can be written.
    fn check_schema(&self, schema: &SchemaRef) -> Result<()>;

    /// Begins a file. The output takes any number of bytes without blocking or failing; the caller brings them to the disk.
    fn writer(&self, schema: &SchemaRef, output: Box<dyn Write + Send>) -> Result<Box<dyn ColumnarWriter>>;
}
