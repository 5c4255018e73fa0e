//! Objects to columns, in one pass over the bytes.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::nesting::record_end;
use super::scan::{Cursor, DEEPEST, Malformed, Str, unescape};
use crate::error::{Error, Result, excerpt};
use crate::formats::contract::{Chunk, ChunkDecoder, DecodedBatch, DecodedChunk};
use crate::formats::schema_text::print_type;
use crate::formats::value::{Column, Data, Fault, Misfit, Parsed, fault};
use crate::stream::{RecordPlace, RejectedRecord};

/// Decodes objects into the columns of a schema; fields that are not in it are skipped.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    pub schema: SchemaRef,
    pub batch_rows: usize,
    /// Objects may span lines and stand in an array.
    pub document: bool,
    /// Longer records are rejected.
    pub max_record_size: usize,
    /// The columns were inferred: see [`Column::guessed`].
    pub inferred: bool,
    /// Name of the files' encoding.
    pub encoding: &'static str,
}

impl From<Malformed> for Box<Fault> {
    fn from(malformed: Malformed) -> Self {
        fault(match malformed {
            Malformed::End => "not valid JSON: it ends too early".to_owned(),
            Malformed::Expected(what, _) => format!("not valid JSON: expected {what}"),
            Malformed::Control(_) => "not valid JSON: a control character in a text".to_owned(),
            Malformed::Escape(_) => "not valid JSON: an unknown escape in a text".to_owned(),
            Malformed::Surrogate(_) => "not valid JSON: half of a surrogate pair in a text".to_owned(),
            Malformed::Deep => format!("nested more than {DEEPEST} levels deep"),
        })
    }
}

impl ChunkDecoder for JsonDecoder {
    fn decode(&self, chunk: &Chunk) -> Result<DecodedChunk> {
        let bytes = chunk.bytes.as_slice();
        // Checked once for all; if it fails, each record is checked by itself.
        let utf8 = simdutf8::basic::from_utf8(bytes).is_ok();
        let mut run = Run {
            decoder: self,
            chunk,
            utf8,
            root: root_of(self, bytes.len())?,
            rows: 0,
            rejected: Vec::new(),
            decoded: DecodedChunk::default(),
            line_at: 0,
            line: chunk.first_line,
        };
        let mut at = 0;
        while let Some(start) = self.record_start(bytes, at) {
            at = run.record(start);
            if run.rows == self.batch_rows {
                run.finish_batch(at)?;
            }
        }
        run.finish_batch(bytes.len())?;
        Ok(run.decoded)
    }
}

impl JsonDecoder {
    /// The next byte that belongs to a record.
    fn record_start(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let between = |byte: &u8| byte.is_ascii_whitespace() || (self.document && matches!(byte, b',' | b'[' | b']'));
        bytes.get(at..)?.iter().position(|byte| !between(byte)).map(|offset| at + offset)
    }
}

pub(super) fn root(schema: &SchemaRef, rows: usize) -> Result<Column> {
    let field = arrow::datatypes::Field::new("", arrow::datatypes::DataType::Struct(schema.fields().clone()), false);
    Column::new(&field, rows)
}

/// For a chunk of `bytes` bytes, which holds at most half as many records.
fn root_of(decoder: &JsonDecoder, bytes: usize) -> Result<Column> {
    let root = root(&decoder.schema, decoder.batch_rows.min(bytes / 2 + 1))?;
    Ok(if decoder.inferred { root.guessed() } else { root })
}

struct Run<'a> {
    decoder: &'a JsonDecoder,
    chunk: &'a Chunk,
    utf8: bool,
    root: Column,
    rows: usize,
    rejected: Vec<RejectedRecord>,
    decoded: DecodedChunk,
    /// Lines are counted only when one is needed, from the last place on.
    line_at: usize,
    line: u64,
}

impl Run<'_> {
    /// Decodes the record at `start`; returns the position after it.
    fn record(&mut self, start: usize) -> usize {
        let bytes = self.chunk.bytes.as_slice();
        // A record never reaches into the next line, wherever the chunk was cut.
        let line_end = if self.decoder.document { bytes.len() } else { memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |end| start + end) };
        let mut cursor = Cursor { bytes: &bytes[..line_end], at: start };
        let parsed = self.object(&mut cursor);
        let parsed = parsed.and_then(|()| if self.decoder.document { Ok(()) } else { end_of_line(&mut cursor) });
        let parsed = parsed.and_then(|()| {
            if cursor.at - start > self.decoder.max_record_size {
                Err(fault(format!("the record is longer than max_record_size ({} bytes)", self.decoder.max_record_size)))
            } else if self.utf8 || std::str::from_utf8(&bytes[start..cursor.at]).is_ok() {
                Ok(())
            } else {
                Err(fault(format!("not valid {}", self.decoder.encoding)))
            }
        });
        match parsed {
            Ok(()) => {
                self.rows += 1;
                cursor.at
            }
            Err(fault) => {
                self.root.truncate(self.rows);
                self.reject(start, *fault);
                if self.decoder.document { record_end(bytes, start) } else { line_end }
            }
        }
    }

    fn object(&mut self, cursor: &mut Cursor<'_>) -> Parsed {
        if cursor.peek() != Some(b'{') {
            return Err(fault("not a JSON object"));
        }
        value(&mut self.root, cursor, 0)
    }

    fn reject(&mut self, start: usize, fault: Fault) {
        let bytes = self.chunk.bytes.as_slice();
        self.line += memchr::memchr_iter(b'\n', &bytes[self.line_at..start]).count() as u64;
        self.line_at = start;
        let place = RecordPlace { partition: Arc::clone(&self.chunk.partition), unit: "line", number: self.line };
        self.rejected.push(RejectedRecord { place: Some(place), reason: fault.reason() });
    }

    /// Hands out what was decoded up to `end`.
    fn finish_batch(&mut self, end: usize) -> Result<()> {
        if self.rows == 0 && self.rejected.is_empty() {
            if let Some(last) = self.decoded.batches.last_mut() {
                last.end = end;
            }
            return Ok(());
        }
        let Data::Struct(root, _) = &mut self.root.data else { return Err(Error::internal("the root of a JSON decoder is no struct")) };
        let columns = root.columns.iter_mut().map(|column| column.finish(&self.chunk.bytes)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.decoder.schema), columns, &options);
        let rows = batch.map_err(|error| Error::internal("decoded columns differ in length").with_source(error))?;
        self.decoded.batches.push(DecodedBatch { rows, rejected: std::mem::take(&mut self.rejected), end });
        self.root.truncate(0);
        self.rows = 0;
        Ok(())
    }
}

/// Only blanks may follow on the line.
fn end_of_line(cursor: &mut Cursor<'_>) -> Parsed {
    loop {
        match cursor.peek() {
            None => return Ok(()),
            Some(b' ' | b'\t' | b'\r') => cursor.at += 1,
            Some(_) => return Err(fault("not valid JSON: text after the object")),
        }
    }
}

/// Adds the value at the cursor to a column.
pub(super) fn value(column: &mut Column, cursor: &mut Cursor<'_>, depth: usize) -> Parsed {
    if depth > DEEPEST {
        return Err(Malformed::Deep.into());
    }
    let first = cursor.next_token()?;
    let start = cursor.at;
    let pushed = match first {
        b'"' => {
            let string = cursor.string()?;
            string_value(column, cursor.bytes, string)?
        }
        b'{' => match &mut column.data {
            Data::Struct(..) => return object(column, cursor, depth),
            Data::Map(..) => return map(column, cursor, depth),
            _ => raw(column, cursor, depth)?,
        },
        b'[' => match &mut column.data {
            Data::List(..) => return list(column, cursor, depth),
            _ => raw(column, cursor, depth)?,
        },
        b't' => {
            cursor.literal(b"true", "a value")?;
            flag(column, true, start)
        }
        b'f' => {
            cursor.literal(b"false", "a value")?;
            flag(column, false, start)
        }
        b'n' => {
            cursor.literal(b"null", "a value")?;
            column.push_null()
        }
        b'-' | b'0'..=b'9' => {
            let number = cursor.number()?;
            match &column.data {
                // Days, base64 and instants are texts in JSON; a number would have to be guessed at.
                Data::Date(_) | Data::Time(_) | Data::Instant(..) | Data::Binary(..) | Data::Boolean(_) => Err(Misfit::Type),
                _ => column.push_text_at(number, start),
            }
        }
        _ => return Err(Malformed::Expected("a value", start).into()),
    };
    pushed.map_err(|misfit| misfit_fault(column, misfit, &cursor.bytes[start..cursor.at]))
}

fn misfit_fault(column: &Column, misfit: Misfit, text: &[u8]) -> Box<Fault> {
    let text = String::from_utf8_lossy(&text[..text.len().min(400)]);
    fault(match misfit {
        Misfit::Null => "is NOT NULL, but the value is null".to_owned(),
        Misfit::Type => format!("{} is not {}", excerpt(&text), print_type(column.data_type())),
    })
}

fn flag(column: &mut Column, value: bool, start: usize) -> std::result::Result<(), Misfit> {
    match &column.data {
        Data::Text(_) => column.push_text_at(if value { b"true" } else { b"false" }, start),
        _ => column.push_bool(value),
    }
}

fn string_value(column: &mut Column, bytes: &[u8], string: Str) -> Parsed<std::result::Result<(), Misfit>> {
    if matches!(column.data, Data::Boolean(_) | Data::List(..) | Data::Struct(..) | Data::Map(..)) {
        return Ok(Err(Misfit::Type));
    }
    if !string.escaped {
        return Ok(column.push_text_at(&bytes[string.start..string.end], string.start));
    }
    let mut text = Vec::with_capacity(string.end - string.start);
    unescape(bytes, string, &mut text)?;
    Ok(column.push_text(&text))
}

/// A nested value in a text column: its JSON text.
fn raw(column: &mut Column, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<std::result::Result<(), Misfit>> {
    let start = cursor.at;
    cursor.skip_value(depth)?;
    Ok(match &column.data {
        Data::Text(_) => column.push_text_at(&cursor.bytes[start..cursor.at], start),
        _ => Err(Misfit::Type),
    })
}

fn list(column: &mut Column, cursor: &mut Cursor<'_>, depth: usize) -> Parsed {
    let Data::List(_, item, _) = &mut column.data else { return Err(fault("not a list")) };
    cursor.at += 1;
    if cursor.next_token()? == b']' {
        cursor.at += 1;
    } else {
        loop {
            value(item, cursor, depth + 1)?;
            match cursor.next_token()? {
                b',' => cursor.at += 1,
                b']' => {
                    cursor.at += 1;
                    break;
                }
                _ => return Err(Malformed::Expected("',' or ']'", cursor.at).into()),
            }
        }
    }
    column.end_items()
}

/// The name of a field at the cursor, without escapes; `buffer` holds it if it had some. Stands after the `:` afterwards.
fn field_name<'b, 'c: 'b>(cursor: &mut Cursor<'c>, buffer: &'b mut Vec<u8>) -> Parsed<&'b [u8]> {
    if cursor.next_token()? != b'"' {
        return Err(Malformed::Expected("a field name", cursor.at).into());
    }
    let string = cursor.string()?;
    let name = if string.escaped {
        buffer.clear();
        unescape(cursor.bytes, string, buffer)?;
        buffer.as_slice()
    } else {
        &cursor.bytes[string.start..string.end]
    };
    cursor.expect(b':', "':'")?;
    Ok(name)
}

fn object(column: &mut Column, cursor: &mut Cursor<'_>, depth: usize) -> Parsed {
    let Data::Struct(inner, _) = &mut column.data else { return Err(fault("not an object")) };
    inner.stamp += 1;
    let stamp = inner.stamp;
    cursor.at += 1;
    let mut expected = 0;
    let mut set = 0;
    let mut buffer = Vec::new();
    if cursor.next_token()? == b'}' {
        cursor.at += 1;
    } else {
        loop {
            let name = field_name(cursor, &mut buffer)?;
            match find(&inner.columns, expected, name) {
                Some(at) => {
                    if inner.stamps[at] == stamp {
                        return Err(fault(format!("field '{}' occurs twice", inner.columns[at].name())));
                    }
                    inner.stamps[at] = stamp;
                    set += 1;
                    expected = at + 1;
                    let field = &mut inner.columns[at];
                    value(field, cursor, depth + 1).map_err(|fault| fault.within(field.name()))?;
                }
                None => cursor.skip_value(depth + 1)?,
            }
            match cursor.next_token()? {
                b',' => cursor.at += 1,
                b'}' => {
                    cursor.at += 1;
                    break;
                }
                _ => return Err(Malformed::Expected("',' or '}'", cursor.at).into()),
            }
        }
    }
    if set < inner.columns.len() {
        for (at, field) in inner.columns.iter_mut().enumerate() {
            if inner.stamps[at] != stamp && field.push_null().is_err() {
                return Err(fault(format!("field '{}' is NOT NULL, but it is missing", field.name())));
            }
        }
    }
    column.set_valid();
    Ok(())
}

/// Fields mostly come in the order of the schema, so the one after the last is tried first.
#[inline]
fn find(columns: &[Column], expected: usize, name: &[u8]) -> Option<usize> {
    if columns.get(expected).is_some_and(|column| column.name().as_bytes() == name) {
        return Some(expected);
    }
    columns.iter().position(|column| column.name().as_bytes() == name)
}

fn map(column: &mut Column, cursor: &mut Cursor<'_>, depth: usize) -> Parsed {
    let Data::Map(_, keys, values, _) = &mut column.data else { return Err(fault("not a map")) };
    cursor.at += 1;
    let mut buffer = Vec::new();
    if cursor.next_token()? == b'}' {
        cursor.at += 1;
    } else {
        loop {
            let name = field_name(cursor, &mut buffer)?;
            keys.push_text(name).map_err(|misfit| misfit_fault(keys, misfit, name))?;
            value(values, cursor, depth + 1)?;
            match cursor.next_token()? {
                b',' => cursor.at += 1,
                b'}' => {
                    cursor.at += 1;
                    break;
                }
                _ => return Err(Malformed::Expected("',' or '}'", cursor.at).into()),
            }
        }
    }
    column.end_items()
}
