//! Header and options.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use super::decode::CsvDecoder;
use super::scan::{field, undouble};
use super::split::CsvSplitter;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::contract::{Preamble, RecordSplitter, TextInput};
use crate::formats::value::check_columns;

/// How CSV is read.
#[derive(Clone, Debug)]
pub struct CsvReadOptions {
    /// All columns of the table, in the order of the fields where there is no header.
    pub table: SchemaRef,
    /// Indices of the columns to decode, ascending.
    pub columns: Vec<usize>,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Between fields.
    pub delimiter: u8,
    /// The first record names the columns.
    pub has_headers: bool,
    /// Longer records, in bytes, are rejected.
    pub max_record_size: usize,
}

/// Delimited text.
#[derive(Debug)]
pub struct CsvInput {
    options: CsvReadOptions,
    schema: SchemaRef,
}

impl CsvInput {
    /// Reads as told.
    ///
    /// **Errors**: a column's type can't be read from CSV.
    pub fn new(options: CsvReadOptions) -> Result<Self> {
        let schema = options.table.project(&options.columns).map_err(|error| Error::internal("a column that the table does not have").with_source(error))?;
        check_columns(&schema)?;
        for field in schema.fields() {
            if matches!(field.data_type(), DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
                return Err(Error::config(format!("column '{}' is nested, which CSV can't hold", field.name())).with_help("declare it as VARCHAR"));
            }
        }
        Ok(Self { options, schema: Arc::new(schema) })
    }

    /// A decoder for files whose fields have these names.
    fn decoder(&self, names: &[String], partition: &str) -> Result<CsvDecoder> {
        let targets: Vec<Option<usize>> = names.iter().map(|name| self.schema.index_of(name).ok()).collect();
        for (at, name) in names.iter().enumerate() {
            if targets[at].is_some() && names[..at].contains(name) {
                return Err(fault(format!("{partition}: two columns of the header are called '{name}'")));
            }
        }
        let absent: Vec<usize> = (0..self.schema.fields().len()).filter(|column| !targets.contains(&Some(*column))).collect();
        if let Some(missing) = absent.iter().map(|column| self.schema.field(*column)).find(|field| !field.is_nullable()) {
            return Err(fault(format!("{partition}: the header has no column '{}'", missing.name())).with_help(format!("it has {}", names.join(", "))));
        }
        if !self.schema.fields().is_empty() && absent.len() == self.schema.fields().len() {
            return Err(fault(format!(
                "{partition}: the header names none of the columns that are read ({})",
                self.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", ")
            ))
            .with_help(format!(
                "it has {}; set 'has_headers' = 'false' if the first line is a record, and 'delimiter' if fields are not separated by commas",
                names.join(", ")
            )));
        }
        Ok(CsvDecoder {
            schema: Arc::clone(&self.schema),
            batch_rows: self.options.batch_rows.max(1),
            delimiter: self.options.delimiter,
            targets,
            absent,
            max_record_size: self.options.max_record_size,
        })
    }
}

fn fault(message: String) -> Error {
    Error::new(ErrorKind::Source, Fault::User, message)
}

/// The names in a header that ends within `text`, and the length of the header; `None` if its end is not there yet.
pub(super) fn header(text: &[u8], delimiter: u8, at_end: bool) -> Option<(Vec<String>, usize)> {
    let mut names = Vec::new();
    let mut at = 0;
    loop {
        let found = field(text, at, delimiter).ok()?;
        if found.next == text.len() && !at_end && text.last() != Some(&b'\n') {
            return None;
        }
        let mut name = Vec::new();
        undouble(&text[found.start..found.end], &mut name);
        let name = String::from_utf8_lossy(&name);
        names.push(if found.quoted { name.into_owned() } else { name.trim().to_owned() });
        at = found.next;
        if found.last {
            return Some((names, at));
        }
    }
}

impl TextInput for CsvInput {
    fn splitter(&self) -> Box<dyn RecordSplitter> {
        Box::new(CsvSplitter::new(self.options.delimiter))
    }

    fn preamble(&self, start_of_file: &[u8], at_end: bool, partition: &str) -> Result<Option<Preamble>> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if start_of_file.len() < MARK.len() && !at_end && MARK.starts_with(start_of_file) {
            return Ok(None);
        }
        let mark = if start_of_file.starts_with(MARK) { MARK.len() } else { 0 };
        let rest = &start_of_file[mark..];
        let (names, length) = if self.options.has_headers && !(at_end && rest.is_empty()) {
            match header(rest, self.options.delimiter, at_end) {
                Some(found) => found,
                None if at_end => return Err(fault(format!("{partition}: the header has a quote that is not closed"))),
                None => return Ok(None),
            }
        } else {
            (self.options.table.fields().iter().map(|field| field.name().clone()).collect(), 0)
        };
        let decoder = self.decoder(&names, partition)?;
        Ok(Some(Preamble { length: mark + length, decoder: Arc::new(decoder) }))
    }
}
