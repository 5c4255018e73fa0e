//! The first record of a file, which may name the columns.

use std::collections::HashSet;

use arrow::datatypes::Schema;

use super::scan::{field, undouble};

const RETURNS: &str = "its lines seem to end with carriage returns alone, which is not supported (write line feeds)";

/// The fields of a first record.
#[derive(Debug)]
pub(super) struct FirstRecord {
    fields: Vec<Vec<u8>>,
    /// Bytes of the record with its line end.
    pub length: usize,
}

impl FirstRecord {
    /// Its fields as names of columns.
    pub(super) fn names(self) -> Result<Vec<String>, String> {
        let name = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map_err(|error| format!("the name '{}' in the header is not valid in its encoding", String::from_utf8_lossy(error.as_bytes())))
        };
        self.fields.into_iter().map(name).collect()
    }
}

/// The first record of a text; `None` if its end is not there yet.
pub(super) fn first_record(text: &[u8], delimiter: u8, at_end: bool) -> Result<Option<FirstRecord>, String> {
    let mut fields = Vec::new();
    let mut at = blank_lines(text);
    if at == text.len() {
        return Ok(at_end.then_some(FirstRecord { fields, length: at }));
    }
    loop {
        let Ok(found) = field(text, at, delimiter) else {
            return if at_end { Err("its header has a quote that is not closed, or text after a closing quote".to_owned()) } else { Ok(None) };
        };
        let bytes = &text[found.start..found.end];
        if !found.quoted && bytes.contains(&b'\r') {
            return Err(RETURNS.to_owned());
        }
        if found.next == text.len() && !at_end && text.last() != Some(&b'\n') {
            return Ok(None);
        }
        let mut name = Vec::new();
        undouble(if found.quoted { bytes } else { bytes.trim_ascii() }, &mut name);
        fields.push(name);
        at = found.next;
        if found.last {
            return Ok(Some(FirstRecord { fields, length: at }));
        }
    }
}

/// The length of the blank lines that a text begins with.
pub(super) fn blank_lines(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = text[at..].strip_prefix(b"\n").or_else(|| text[at..].strip_prefix(b"\r\n")) {
        at = text.len() - rest.len();
    }
    at
}

/// Refuses a text whose lines have no ends.
pub(super) fn check_line_ends(text: &[u8], delimiter: u8) -> Result<(), String> {
    let mut at = 0;
    while let Ok(found) = field(text, at, delimiter) {
        if !found.quoted && text[found.start..found.end].contains(&b'\r') {
            return Err(RETURNS.to_owned());
        }
        at = found.next;
        if found.last {
            break;
        }
    }
    Ok(())
}

/// Names that occur again.
pub(super) fn twice(names: &[String]) -> impl Iterator<Item = &String> {
    let mut known = HashSet::new();
    names.iter().filter(move |name| !known.insert(name.as_str()))
}

/// Refuses a beginning of a file whose first record can't be read, or is a header and names twice one of `columns`.
pub fn check_header(text: &[u8], delimiter: u8, has_headers: bool, at_end: bool, columns: &Schema) -> Result<(), String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if blank_lines(text) == text.len() {
        return Ok(());
    }
    if !has_headers {
        return check_line_ends(text, delimiter);
    }
    let Some(first) = first_record(text, delimiter, at_end)? else { return Ok(()) };
    let names = first.names()?;
    match twice(&names).find(|name| columns.index_of(name).is_ok()) {
        Some(name) => Err(format!("two columns of the header are called '{name}'")),
        None => Ok(()),
    }
}
