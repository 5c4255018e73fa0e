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
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            right: schema.fields().iter().map(|field| right(field.data_type())).collect(),
            widths: None,
        }
    }

    /// The rows as lines, with the head before the first of them.
    pub(super) fn lines(&mut self, batch: &RecordBatch) -> Result<String> {
        let cells = batch.columns().iter().map(plain_texts).collect::<Result<Vec<_>>>()?;
        let mut out = String::new();
        if self.widths.is_none() {
            let widest =
                |name: &String, column: &Vec<Option<String>>| column.iter().map(|cell| width(text(cell))).chain([width(name)]).max().unwrap_or(0).min(WIDEST);
            let widths: Vec<usize> = self.names.iter().zip(&cells).map(|(name, column)| widest(name, column)).collect();
            self.line(&widths, self.names.iter().map(|name| name.to_owned()), &mut out);
            self.line(&widths, widths.iter().map(|width| "─".repeat(*width)), &mut out);
            self.widths = Some(widths);
        }
        let widths = self.widths.clone().unwrap_or_default();
        for row in 0..batch.num_rows() {
            self.line(&widths, cells.iter().map(|column| text(&column[row]).replace('\n', "⏎")), &mut out);
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

fn text(cell: &Option<String>) -> &str {
    cell.as_deref().unwrap_or("NULL")
}

fn width(text: &str) -> usize {
    text.chars().count()
}
