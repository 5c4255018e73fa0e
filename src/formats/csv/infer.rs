//! Columns of a sample.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};

use super::decode::CsvDecoder;
use super::header::{check_line_ends, first_record, twice};
use super::scan::{field, record_end};
use super::split::CsvSplitter;
use crate::formats::guess::{Guess, Inferred, learn_records};

/// The columns of the first `records` records of a text, which is `whole` or goes on: named by the header, or `column_1` on. Records that will be rejected anyway are left out.
/// `Err`: the header can't be read.
pub fn infer_schema(text: &[u8], records: usize, delimiter: u8, has_headers: bool, whole: bool) -> Result<Inferred, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut inferred = Inferred::default();
    if text.is_empty() {
        return Ok(inferred);
    }
    let mut at = 0;
    let names = if has_headers {
        let Some(header) = first_record(text, delimiter, true)? else { return Ok(inferred) };
        at = header.length;
        header.names()?
    } else {
        check_line_ends(text, delimiter)?;
        (1..=columns(text, delimiter)).map(|number| format!("column_{number}")).collect()
    };
    if let Some(name) = twice(&names).next() {
        return Err(format!("two columns of the header are called '{name}'"));
    }
    let mut guesses = vec![Guess::Nothing; names.len()];
    let mut splitter = CsvSplitter::new(&Arc::new(texts(names.len(), delimiter)));
    learn_records(&mut splitter, (&text[at..], whole), records, |pieces, left| learn(pieces, delimiter, left, &mut guesses));
    names.into_iter().zip(guesses).for_each(|(name, guess)| inferred.record.add(&name, guess));
    Ok(inferred)
}

/// The number of fields of the first line that is a record.
fn columns(text: &[u8], delimiter: u8) -> usize {
    let mut at = 0;
    while at < text.len() {
        let count = fields(&text[at..record_end(text, at, delimiter)], delimiter).len();
        if count > 0 {
            return count;
        }
        at += memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| end + 1);
    }
    0
}

/// A decoder of as many texts, for telling where records end.
fn texts(columns: usize, delimiter: u8) -> CsvDecoder {
    let fields: Fields = (0..columns).map(|at| Field::new(at.to_string(), DataType::Utf8View, true)).collect();
    CsvDecoder {
        schema: Arc::new(Schema::new(fields)),
        batch_rows: 1,
        delimiter,
        targets: (0..columns).map(Some).collect(),
        absent: Vec::new(),
        max_record_size: usize::MAX,
        inferred: false,
        encoding: "UTF-8",
    }
}

/// Takes in up to `left` whole records.
fn learn(text: &[u8], delimiter: u8, left: &mut usize, guesses: &mut [Guess]) {
    let mut start = 0;
    while *left > 0 && start < text.len() {
        let end = record_end(text, start, delimiter);
        let record = &text[start..end];
        start = end;
        if record.trim_ascii().is_empty() && guesses.len() != 1 {
            continue;
        }
        *left -= 1;
        if std::str::from_utf8(record).is_err() {
            continue;
        }
        let found = fields(record, delimiter);
        if found.len() == guesses.len() {
            guesses.iter_mut().zip(found).for_each(|(known, guess)| *known = std::mem::replace(known, Guess::Nothing).or(guess));
        }
    }
}

/// The guesses for the fields of a record; none if it is malformed.
fn fields(record: &[u8], delimiter: u8) -> Vec<Guess> {
    let mut guesses = Vec::new();
    let mut at = 0;
    while let Ok(found) = field(record, at, delimiter) {
        let value = &record[found.start..found.end];
        guesses.push(if found.quoted { Guess::Text } else { Guess::of_field(value) });
        at = found.next;
        if found.last {
            return guesses;
        }
    }
    Vec::new()
}
