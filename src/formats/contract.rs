//! What a text format (JSON, CSV) offers to readers and writers. Columnar files (Parquet, Avro) are read and written whole and need none of this.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::error::Result;
use crate::stream::RejectedRecord;

/// A run of whole records of one file, decompressed and in UTF-8 (or not: invalid bytes are a fault of the record they stand in).
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The bytes. Shared: text columns may point into it.
    pub bytes: Buffer,
    /// Name of the file in messages.
    pub partition: Arc<str>,
    /// Number of the first line in the file, from 1.
    pub first_line: u64,
}

/// Some records of a chunk.
#[derive(Clone, Debug)]
pub struct DecodedBatch {
    /// The rows in order, at most the asked-for number; may be none.
    pub rows: RecordBatch,
    /// The records among them that are no rows, in order.
    pub rejected: Vec<RejectedRecord>,
    /// Bytes of the chunk up to the end of the last of these records.
    pub end: usize,
}

/// A decoded chunk: its records in order.
#[derive(Clone, Debug, Default)]
pub struct DecodedChunk {
    /// Batches that are not empty; the last one ends where the chunk ends.
    pub batches: Vec<DecodedBatch>,
}

/// What a splitter found at the beginning of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// So many bytes of whole records.
    Records(usize),
    /// So many bytes of a record without a proper end, and why; after them records may begin again.
    Broken(usize, &'static str),
    /// The first record is not complete: more bytes are needed (or, at the end, there are none).
    Incomplete,
}

/// Finds the ends of records in a growing buffer. One splitter serves one file from its beginning (or from a record start) to its end.
pub trait RecordSplitter: Send + Debug {
    /// `buffer` starts at a record start. Finds its longest prefix of whole records. After a call that found n bytes the next buffer starts n bytes later; bytes that were
    /// seen by an earlier call are not scanned again. With `at_end` nothing will follow: a last record without terminator counts as whole.
    fn next(&mut self, buffer: &[u8], at_end: bool) -> Split;

    /// Passes over the unfinished record; used when a record is longer than allowed. Returns how many bytes of `buffer` belong to it, and whether it ends with them. If not, the
    /// next call gets the buffer from there on.
    fn skip_record(&mut self, buffer: &[u8]) -> (usize, bool);

    /// Takes note of whole records that were handed out by an earlier run.
    fn pass_over(&mut self, _records: &[u8]) {}

    /// What is wrong with the end of the file, apart from its last record.
    fn fault_at_end(&self) -> Option<&'static str> {
        None
    }
}

/// Decodes chunks; has no state, so that chunks can be decoded at the same time.
pub trait ChunkDecoder: Send + Sync + Debug {
    /// Decodes whole records. A record that does not decode, or is longer than the options allow, is in `rejected`, with its place; only a fault of the engine is an error.
    fn decode(&self, chunk: &Chunk) -> Result<DecodedChunk>;
}

/// A text format as configured for reading.
pub trait TextInput: Send + Sync + Debug {
    /// Bytes at the beginning of a file that are not records (a CSV header line with its terminator, a byte order mark): `None` if more bytes are needed to know. Errors: a
    /// header that does not name the columns of the schema.
    fn preamble(&self, start_of_file: &[u8], at_end: bool, partition: &str) -> Result<Option<Preamble>>;
}

/// The beginning of a file, and what reads the rest of it (a header may order its columns differently from another file's).
#[derive(Debug)]
pub struct Preamble {
    /// Bytes to leave out.
    pub length: usize,
    /// Decoder of the records after them.
    pub decoder: Arc<dyn ChunkDecoder>,
    /// Finds their ends.
    pub splitter: Box<dyn RecordSplitter>,
}

/// Rows as bytes.
#[derive(Debug, Default)]
pub struct EncodedBatch {
    /// The bytes, whole lines.
    pub bytes: Vec<u8>,
    /// Rows written.
    pub rows: u64,
    /// Rows that the format can't express, left out of `bytes`.
    pub rejected: Vec<RejectedRecord>,
}

/// Encodes batches; has no state, so that batches can be encoded at the same time.
pub trait BatchEncoder: Send + Sync + Debug {
    /// Bytes at the beginning of an output file (a CSV header), or none.
    fn header(&self) -> Vec<u8>;

    /// Encodes rows.
    fn encode(&self, batch: &RecordBatch) -> Result<EncodedBatch>;
}
