//! Columns of a sample.

use super::nesting::record_end;
use super::scan::{Cursor, DEEPEST, Malformed, unescape};
use super::split::{DocumentSplitter, LineSplitter};
use crate::formats::contract::RecordSplitter;
use crate::formats::guess::{Guess, Inferred, Record, learn_records};

/// The columns of the first `records` objects of a text, which is `whole` or goes on; records that will be rejected anyway are left out. Texts stay texts whatever they look
/// like.
pub fn infer_schema(text: &[u8], records: usize, document: bool, whole: bool) -> Inferred {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut splitter: Box<dyn RecordSplitter> = if document { Box::<DocumentSplitter>::default() } else { Box::<LineSplitter>::default() };
    let mut inferred = Inferred::default();
    learn_records(splitter.as_mut(), (text, whole), records, |pieces, left| learn(pieces, document, left, &mut inferred));
    inferred
}

/// Takes in up to `left` whole records.
fn learn(text: &[u8], document: bool, left: &mut usize, inferred: &mut Inferred) {
    let between = |byte: &u8| byte.is_ascii_whitespace() || (document && matches!(byte, b',' | b'[' | b']'));
    let mut at = 0;
    while *left > 0 {
        let Some(offset) = text[at..].iter().position(|byte| !between(byte)) else { return };
        let start = at + offset;
        at = if document { record_end(text, start) } else { memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |end| start + end + 1) };
        *left -= 1;
        let bytes = &text[start..at];
        if let Ok(Guess::Struct(found)) = guess(&mut Cursor { bytes, at: 0 }, 0)
            && std::str::from_utf8(bytes).is_ok()
        {
            inferred.record = std::mem::take(&mut inferred.record).or(found);
        }
    }
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
