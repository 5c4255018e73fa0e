//! Columns of a sample.

use arrow::datatypes::Schema;

use super::scan::{Cursor, DEEPEST, Malformed, unescape};
use crate::formats::guess::{Guess, Record};

/// The columns of the first `records` objects of a text (an array's brackets and commas are skipped); records that are not objects, and a last one that is cut off, are left
/// out. Texts stay texts whatever they look like.
pub fn infer_schema(text: &[u8], records: usize, document: bool) -> Schema {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut record = Record::default();
    let mut at = 0;
    for _ in 0..records {
        let between = |byte: &u8| byte.is_ascii_whitespace() || (document && matches!(byte, b',' | b'[' | b']'));
        let Some(offset) = text.get(at..).and_then(|rest| rest.iter().position(|byte| !between(byte))) else { break };
        at += offset;
        let mut cursor = Cursor { bytes: text, at };
        match guess(&mut cursor, 0) {
            Ok(Guess::Struct(found)) => {
                record = record.or(found);
                at = cursor.at;
            }
            Ok(_) if document => at = cursor.at.max(at + 1),
            Err(_) if document => at = super::split::record_end(text, at),
            _ => {}
        }
        if !document {
            at = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end + 1);
        }
    }
    record.schema()
}

fn guess(cursor: &mut Cursor<'_>, depth: usize) -> Result<Guess, Malformed> {
    if depth > DEEPEST {
        return Err(Malformed::Deep);
    }
    match cursor.next_token()? {
        b'"' => cursor.string().map(|_| Guess::Text),
        b'{' => object(cursor, depth),
        b'[' => {
            cursor.at += 1;
            let mut item = Guess::Nothing;
            if cursor.next_token()? == b']' {
                cursor.at += 1;
                return Ok(Guess::List(Box::new(item)));
            }
            loop {
                item = item.or(guess(cursor, depth + 1)?);
                match cursor.next_token()? {
                    b',' => cursor.at += 1,
                    b']' => {
                        cursor.at += 1;
                        return Ok(Guess::List(Box::new(item)));
                    }
                    _ => return Err(Malformed::Expected("',' or ']'", cursor.at)),
                }
            }
        }
        b't' => cursor.literal(b"true", "a value").map(|()| Guess::Boolean),
        b'f' => cursor.literal(b"false", "a value").map(|()| Guess::Boolean),
        b'n' => cursor.literal(b"null", "a value").map(|()| Guess::Nothing),
        b'-' | b'0'..=b'9' => cursor.number().map(Guess::of_number),
        _ => Err(Malformed::Expected("a value", cursor.at)),
    }
}

fn object(cursor: &mut Cursor<'_>, depth: usize) -> Result<Guess, Malformed> {
    let mut record = Record::default();
    cursor.at += 1;
    if cursor.next_token()? == b'}' {
        cursor.at += 1;
        return Ok(Guess::Struct(record));
    }
    loop {
        if cursor.next_token()? != b'"' {
            return Err(Malformed::Expected("a field name", cursor.at));
        }
        let string = cursor.string()?;
        let mut name = Vec::new();
        unescape(cursor.bytes, string, &mut name)?;
        cursor.expect(b':', "':'")?;
        record.add(&String::from_utf8_lossy(&name), guess(cursor, depth + 1)?);
        match cursor.next_token()? {
            b',' => cursor.at += 1,
            b'}' => {
                cursor.at += 1;
                return Ok(Guess::Struct(record));
            }
            _ => return Err(Malformed::Expected("',' or '}'", cursor.at)),
        }
    }
}
