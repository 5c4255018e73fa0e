//! Columns of a sample.

use arrow::datatypes::Schema;

use super::input::header;
use super::scan::{field, record_end};
use crate::formats::guess::{Guess, Record};

/// The columns of the first `records` records: named by the header, or `column_1` on. A last record that is cut off is left out unless `whole`.
pub fn infer_schema(text: &[u8], records: usize, delimiter: u8, has_headers: bool, whole: bool) -> Schema {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut names = Vec::new();
    let mut at = 0;
    if has_headers {
        let Some((found, length)) = header(text, delimiter, true) else { return Schema::empty() };
        if text.is_empty() {
            return Schema::empty();
        }
        names = found;
        at = length;
    }
    let mut guesses = vec![Guess::Nothing; names.len()];
    for _ in 0..records {
        let end = record_end(text, at, delimiter);
        if at >= text.len() || (end == text.len() && !whole && text.last() != Some(&b'\n')) {
            break;
        }
        let line = &text[..end];
        let mut number = 0;
        while let Ok(found) = field(line, at, delimiter) {
            let value = &line[found.start..found.end];
            let guess = if found.quoted { Guess::Text } else { Guess::of_field(value) };
            match guesses.get_mut(number) {
                Some(known) => *known = std::mem::replace(known, Guess::Nothing).or(guess),
                None if !has_headers => guesses.push(guess),
                None => {}
            }
            number += 1;
            at = found.next;
            if found.last {
                break;
            }
        }
        at = end;
    }
    names.extend((names.len()..guesses.len()).map(|at| format!("column_{}", at + 1)));
    let mut record = Record::default();
    names.into_iter().zip(guesses).for_each(|(name, guess)| record.add(&name, guess));
    record.schema()
}
