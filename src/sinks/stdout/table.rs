//! Rows in aligned columns.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use crate::error::Result;
use crate::formats::plain_texts;

/// Wider cells push the rest of their row to the right.
const WIDEST: usize = 40;

/// A table whose column widths come from its first rows, since later ones are not there yet.
#[derive(Debug)]
pub(super) struct Table {
    names: Vec<String>,
    right: Vec<bool>,
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let right = |data_type: &DataType| data_type.is_numeric();
        Self {
            names: schema.fields().iter().map(|field| printable(field.name())).collect(),
            right: schema.fields().iter().map(|field| right(field.data_type())).collect(),
            widths: None,
        }
    }

    /// The rows as lines, with the head before the first of them.
    pub(super) fn lines(&mut self, batch: &RecordBatch) -> Result<String> {
        let printed = |column| Ok(plain_texts(column)?.iter().map(|cell| cell.as_deref().map_or_else(|| "NULL".to_owned(), printable)).collect());
        let cells = batch.columns().iter().map(printed).collect::<Result<Vec<Vec<String>>>>()?;
        let mut out = String::new();
        if self.widths.is_none() {
            let widest = |name: &String, column: &Vec<String>| column.iter().map(|cell| width(cell)).chain([width(name)]).max().unwrap_or(0).min(WIDEST);
            let widths: Vec<usize> = self.names.iter().zip(&cells).map(|(name, column)| widest(name, column)).collect();
            self.line(&widths, self.names.iter().map(|name| name.to_owned()), &mut out);
            self.line(&widths, widths.iter().map(|width| "─".repeat(*width)), &mut out);
            self.widths = Some(widths);
        }
        let widths = self.widths.clone().unwrap_or_default();
        for row in 0..batch.num_rows() {
            self.line(&widths, cells.iter().map(|column| column[row].clone()), &mut out);
        }
        Ok(out)
    }

    fn line(&self, widths: &[usize], cells: impl Iterator<Item = String>, out: &mut String) {
        let last = widths.len().saturating_sub(1);
        for (at, (cell, wanted)) in cells.zip(widths).enumerate() {
            let padding = " ".repeat(wanted.saturating_sub(width(&cell)));
            if at > 0 {
                out.push_str("  ");
            }
            if self.right[at] {
                out.push_str(&padding);
            }
            out.push_str(&cell);
            if !self.right[at] && at < last {
                out.push_str(&padding);
            }
        }
        out.push('\n');
    }
}

/// A text in one line, its control characters written out: a terminal would obey them.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('⏎'),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let schema = Arc::new(Schema::new(vec![Field::new("a\u{1b}b", DataType::Utf8, true)]));
        let texts = StringArray::from(vec![Some("\u{1b}[31mred\r\tx\u{9b}1m"), Some("two\nlines"), None]);
        let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(texts)]).expect("one column");
        let lines = Table::new(&schema).lines(&rows).expect("texts");
        assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{lines:?}");
        assert_eq!(lines.lines().skip(2).collect::<Vec<_>>(), ["\\u{1b}[31mred\\r\\tx\\u{9b}1m", "two⏎lines", "NULL"]);
        assert_eq!(lines.lines().next(), Some("a\\u{1b}b"));
    }
}
