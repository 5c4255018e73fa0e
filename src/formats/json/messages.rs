//! JSON values of messages: an object is a row, an array of objects several. The five bytes that a schema registry's serializer puts in front are skipped.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use super::decode::{root, value};
use super::scan::{Cursor, Malformed};
use crate::error::{Error, Result};
use crate::formats::messages::{DecodedMessages, MessageDecoder, Messages};
use crate::formats::value::{Column, Data, Parsed, check_columns, fault};

/// The length of a schema registry's prefix: a zero byte (which begins no JSON) and the number of a schema.
const PREFIX: usize = 5;

/// A value without a schema registry's prefix.
pub fn without_registry_prefix(value: &[u8]) -> &[u8] {
    if value.first() == Some(&0) && value.len() > PREFIX { &value[PREFIX..] } else { value }
}

/// Decodes objects into the columns of a schema; fields that are not in it are skipped.
#[derive(Debug)]
pub struct JsonMessageDecoder {
    schema: SchemaRef,
    max_record_size: usize,
}

impl JsonMessageDecoder {
    /// For the columns of `schema`; longer values than `max_record_size` bytes are rejected.
    ///
    /// **Errors**: a column's type can't be read from text.
    pub fn new(schema: SchemaRef, max_record_size: usize) -> Result<Self> {
        check_columns(&schema)?;
        Ok(Self { schema, max_record_size })
    }

    /// The rows of one value; on an error the columns hold a part of it.
    fn message(&self, root: &mut Column, bytes: &[u8], range: (usize, usize), utf8: bool, rows: &mut usize) -> Parsed {
        let (start, end) = range;
        if end - start > self.max_record_size {
            return Err(fault(format!("the record is longer than max_record_size ({} bytes)", self.max_record_size)));
        }
        let start = end - without_registry_prefix(&bytes[start..end]).len();
        if start == end {
            return Err(fault("an empty value"));
        }
        if !utf8 && std::str::from_utf8(&bytes[start..end]).is_err() {
            return Err(fault("not valid UTF-8"));
        }
        let mut cursor = Cursor { bytes: &bytes[..end], at: start };
        match cursor.next_token()? {
            b'{' => {
                value(root, &mut cursor, 0)?;
                *rows += 1;
            }
            b'[' => array(root, &mut cursor, rows)?,
            _ => return Err(fault("not a JSON object")),
        }
        if bytes[cursor.at..end].iter().all(u8::is_ascii_whitespace) { Ok(()) } else { Err(fault("not valid JSON: text after the object")) }
    }
}

fn array(root: &mut Column, cursor: &mut Cursor<'_>, rows: &mut usize) -> Parsed {
    cursor.at += 1;
    if cursor.next_token()? == b']' {
        cursor.at += 1;
        return Ok(());
    }
    loop {
        if cursor.next_token()? != b'{' {
            return Err(fault("an array that holds something else than objects"));
        }
        value(root, cursor, 0)?;
        *rows += 1;
        let separator = cursor.next_token()?;
        cursor.at += 1;
        match separator {
            b',' => {}
            b']' => return Ok(()),
            _ => return Err(Malformed::Expected("',' or ']'", cursor.at).into()),
        }
    }
}

impl MessageDecoder for JsonMessageDecoder {
    fn decode(&self, messages: &Messages) -> Result<DecodedMessages> {
        let bytes = messages.bytes.as_slice();
        // Checked once for all; if it fails, each value is checked by itself.
        let utf8 = simdutf8::basic::from_utf8(bytes).is_ok();
        let mut root = root(&self.schema, messages.ends.len())?;
        let mut rows = 0;
        let mut message_of_row = Vec::with_capacity(messages.ends.len());
        let mut rejected = Vec::new();
        let mut empty = 0;
        for (number, range) in (0u32..).zip(messages.ranges()) {
            let before = rows;
            match self.message(&mut root, bytes, range, utf8, &mut rows) {
                Ok(()) => {
                    empty += u64::from(rows == before);
                    message_of_row.resize(rows, number);
                }
                Err(fault) => {
                    root.truncate(before);
                    rows = before;
                    rejected.push((number, fault.reason()));
                }
            }
        }
        let Data::Struct(columns, _) = &mut root.data else { return Err(Error::internal("the root of a JSON decoder is no struct")) };
        let columns = columns.columns.iter_mut().map(|column| column.finish(&messages.bytes)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        let rows = rows.map_err(|error| Error::internal("decoded columns differ in length").with_source(error))?;
        Ok(DecodedMessages { rows, message_of_row, rejected, empty })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::buffer::Buffer;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::formats::schema_text;

    fn decode(values: &[&[u8]]) -> DecodedMessages {
        let decoder = JsonMessageDecoder::new(Arc::new(schema_text::parse("id BIGINT, t VARCHAR").expect("columns")), 100).expect("types");
        let ends = values.iter().scan(0, |end, value| {
            *end += value.len();
            Some(*end)
        });
        decoder.decode(&Messages { ends: ends.collect(), bytes: Buffer::from(values.concat()) }).expect("no fault of ours")
    }

    #[test]
    fn objects_arrays_and_framed_values_are_rows() {
        let decoded = decode(&[b"{\"id\":1,\"t\":\"a\"}", b"[{\"id\":2},\n {\"id\":3}]", b"[]", b"\0\0\0\0\x07{\"id\":4}", b" { \"id\" : 5 }\n"]);
        let ids: Vec<i64> = decoded.rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!((ids, decoded.message_of_row, decoded.empty), (vec![1, 2, 3, 4, 5], vec![0, 1, 1, 3, 4], 1));
        assert_eq!(decoded.rejected, []);
        assert_eq!(decoded.rows.column(1).null_count(), 4);
    }

    #[test]
    fn a_bad_value_takes_nothing_else_with_it() {
        let bad: [&[u8]; 8] = [b"", b"{\"id\":", b"[{\"id\":7},{\"id\":\"x\"}]", b"{\"id\":1}{\"id\":2}", b"5", b"{\"t\":\"\xff\"}", b"[1]", &[b' '; 101]];
        for value in bad {
            let decoded = decode(&[b"{\"id\":1}", value, b"{\"id\":2}"]);
            assert_eq!(decoded.message_of_row, [0, 2], "{}", String::from_utf8_lossy(value));
            assert_eq!(decoded.rejected.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
            assert_eq!(decoded.rows.num_rows(), 2);
        }
        assert_eq!(decode(&[b"{\"id\":\"x\"}"]).rejected[0].1, "field 'id': \"x\" is not BIGINT");
    }
}
