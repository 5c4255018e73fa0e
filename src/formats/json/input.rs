//! JSON as a text format.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::decode::JsonDecoder;
use super::split::{DocumentSplitter, LineSplitter};
use crate::error::Result;
use crate::formats::contract::{Preamble, RecordSplitter, TextInput};
use crate::formats::value::check_columns;

/// How JSON is read.
#[derive(Clone, Debug)]
pub struct JsonReadOptions {
    /// The columns to decode; other fields are skipped.
    pub schema: SchemaRef,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Objects may span lines and stand in an array; otherwise every line is one object.
    pub document: bool,
    /// Longer records, in bytes, are rejected.
    pub max_record_size: usize,
    /// The columns were inferred from a sample: a later number that a DOUBLE would change is refused.
    pub inferred: bool,
    /// Name of the files' encoding in messages; bytes that mean nothing in it were made invalid UTF-8.
    pub encoding: &'static str,
}

/// JSON lines or a JSON document.
#[derive(Debug)]
pub struct JsonInput {
    decoder: Arc<JsonDecoder>,
}

impl JsonInput {
    /// Reads as told.
    ///
    /// **Errors**: a column's type can't be read from text.
    pub fn new(options: JsonReadOptions) -> Result<Self> {
        check_columns(&options.schema)?;
        let JsonReadOptions { schema, batch_rows, document, max_record_size, inferred, encoding } = options;
        Ok(Self { decoder: Arc::new(JsonDecoder { schema, batch_rows: batch_rows.max(1), document, max_record_size, inferred, encoding }) })
    }
}

impl TextInput for JsonInput {
    fn preamble(&self, start_of_file: &[u8], at_end: bool, _: &str) -> Result<Option<Preamble>> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if start_of_file.len() < MARK.len() && !at_end && MARK.starts_with(start_of_file) {
            return Ok(None);
        }
        let length = if start_of_file.starts_with(MARK) { MARK.len() } else { 0 };
        let splitter: Box<dyn RecordSplitter> = if self.decoder.document { Box::<DocumentSplitter>::default() } else { Box::<LineSplitter>::default() };
        Ok(Some(Preamble { length, decoder: Arc::clone(&self.decoder) as _, splitter }))
    }
}
