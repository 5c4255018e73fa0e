//! Records to columns.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::datatypes::{FieldRef, SchemaRef};

use super::scan::{Field, Malformed, field, record_end, undouble};
use crate::error::{Error, Result, excerpt};
use crate::formats::contract::{Chunk, ChunkDecoder, DecodedBatch, DecodedChunk};
use crate::formats::schema_text::print_type;
use crate::formats::value::{Column, Misfit};
use crate::stream::{RecordPlace, RejectedRecord};

/// Decodes records into the columns of a schema.
#[derive(Clone, Debug)]
pub(super) struct CsvDecoder {
    pub schema: SchemaRef,
    pub batch_rows: usize,
    pub delimiter: u8,
    /// For each field of a record the column it goes to.
    pub targets: Vec<Option<usize>>,
    /// Columns of the schema that no field goes to.
    pub absent: Vec<usize>,
    /// Longer records are rejected.
    pub max_record_size: usize,
    /// The columns were inferred: see [`Column::guessed`].
    pub inferred: bool,
    /// Name of the files' encoding.
    pub encoding: &'static str,
}

impl CsvDecoder {
    /// Whether these bytes are one record, and a good one.
    pub(super) fn fits(&self, record: &[u8]) -> bool {
        let chunk = Chunk { bytes: Buffer::from(record), partition: Arc::from(""), first_line: 1 };
        let decoded = self.decode(&chunk).map(|decoded| decoded.batches).unwrap_or_default();
        matches!(decoded.as_slice(), [batch] if batch.rows.num_rows() == 1 && batch.rejected.is_empty())
    }
}

impl ChunkDecoder for CsvDecoder {
    fn decode(&self, chunk: &Chunk) -> Result<DecodedChunk> {
        let bytes = chunk.bytes.as_slice();
        let column =
            |field: &FieldRef| Column::new(field, self.batch_rows.min(bytes.len())).map(|column| if self.inferred { column.guessed() } else { column });
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let utf8 = simdutf8::basic::from_utf8(bytes).is_ok();
        let mut run = Run {
            decoder: self,
            chunk,
            utf8,
            columns,
            rows: 0,
            rejected: Vec::new(),
            decoded: DecodedChunk::default(),
            line_at: 0,
            line: chunk.first_line,
            buffer: Vec::new(),
        };
        // Blank lines are nothing, except that in a file of one column they are its NULL.
        let skip_blank = self.targets.len() != 1;
        let mut at = 0;
        while at < bytes.len() {
            at = match &bytes[at..] {
                [b'\n', ..] if skip_blank => at + 1,
                [b'\r', b'\n', ..] if skip_blank => at + 2,
                _ => run.record(at),
            };
            if run.rows == self.batch_rows {
                run.finish_batch(at)?;
            }
        }
        run.finish_batch(bytes.len())?;
        Ok(run.decoded)
    }
}

struct Run<'a> {
    decoder: &'a CsvDecoder,
    chunk: &'a Chunk,
    utf8: bool,
    columns: Vec<Column>,
    rows: usize,
    rejected: Vec<RejectedRecord>,
    decoded: DecodedChunk,
    line_at: usize,
    line: u64,
    buffer: Vec<u8>,
}

impl Run<'_> {
    /// Decodes the record at `start`; returns where the next one begins.
    fn record(&mut self, start: usize) -> usize {
        let bytes = self.chunk.bytes.as_slice();
        let longest = self.decoder.max_record_size;
        let result = self.fields(start).and_then(|end| {
            if end - start > longest {
                Err(format!("the record is longer than max_record_size ({longest} bytes)"))
            } else if self.utf8 || std::str::from_utf8(&bytes[start..end]).is_ok() {
                Ok(end)
            } else {
                Err(format!("not valid {}", self.decoder.encoding))
            }
        });
        match result {
            Ok(end) => {
                self.rows += 1;
                end
            }
            Err(reason) => {
                self.columns.iter_mut().for_each(|column| column.truncate(self.rows));
                self.reject(start, reason);
                record_end(bytes, start, self.decoder.delimiter)
            }
        }
    }

    fn fields(&mut self, start: usize) -> std::result::Result<usize, String> {
        let bytes = self.chunk.bytes.as_slice();
        let mut at = start;
        let mut number = 0;
        loop {
            let found = field(bytes, at, self.decoder.delimiter).map_err(|malformed| match malformed {
                Malformed::Unclosed => "a quote is not closed".to_owned(),
                Malformed::AfterQuote => "text after a closing quote (a quote within quotes is written twice)".to_owned(),
            })?;
            match self.decoder.targets.get(number) {
                Some(Some(target)) => self.value(*target, found)?,
                Some(None) => {}
                None => return Err(self.count_fault(start)),
            }
            number += 1;
            at = found.next;
            if found.last {
                break;
            }
        }
        if number < self.decoder.targets.len() {
            return Err(self.count_fault(start));
        }
        for absent in &self.decoder.absent {
            let column = &mut self.columns[*absent];
            column.push_null().map_err(|_| format!("field '{}' is NOT NULL, but the file has no such column", column.name()))?;
        }
        Ok(at)
    }

    fn count_fault(&self, start: usize) -> String {
        let bytes = self.chunk.bytes.as_slice();
        let (mut at, mut count) = (start, 0);
        while let Ok(found) = field(bytes, at, self.decoder.delimiter) {
            count += 1;
            at = found.next;
            if found.last {
                break;
            }
        }
        format!("{count} fields, expected {}", self.decoder.targets.len())
    }

    #[inline]
    fn value(&mut self, target: usize, found: Field) -> std::result::Result<(), String> {
        let bytes = self.chunk.bytes.as_slice();
        let text = &bytes[found.start..found.end];
        let column = &mut self.columns[target];
        let pushed = if text.is_empty() && !found.quoted {
            column.push_null()
        } else if found.doubled {
            self.buffer.clear();
            undouble(text, &mut self.buffer);
            column.push_text(&self.buffer)
        } else {
            column.push_text_at(text, found.start)
        };
        pushed.map_err(|misfit| match misfit {
            Misfit::Null => format!("field '{}': is NOT NULL, but the field is empty", column.name()),
            Misfit::Type => format!(
                "field '{}': \"{}\" is not {}",
                column.name(),
                excerpt(&String::from_utf8_lossy(&text[..text.len().min(400)])),
                print_type(column.data_type())
            ),
        })
    }

    fn reject(&mut self, start: usize, reason: String) {
        let bytes = self.chunk.bytes.as_slice();
        self.line += memchr::memchr_iter(b'\n', &bytes[self.line_at..start]).count() as u64;
        self.line_at = start;
        let place = RecordPlace { partition: Arc::clone(&self.chunk.partition), unit: "line", number: self.line };
        self.rejected.push(RejectedRecord { place: Some(place), reason });
    }

    /// Hands out what was decoded up to `end`.
    fn finish_batch(&mut self, end: usize) -> Result<()> {
        if self.rows == 0 && self.rejected.is_empty() {
            if let Some(last) = self.decoded.batches.last_mut() {
                last.end = end;
            }
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(|column| column.finish(&self.chunk.bytes)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.decoder.schema), columns, &options);
        let rows = batch.map_err(|error| Error::internal("decoded columns differ in length").with_source(error))?;
        self.decoded.batches.push(DecodedBatch { rows, rejected: std::mem::take(&mut self.rejected), end });
        self.rows = 0;
        Ok(())
    }
}
