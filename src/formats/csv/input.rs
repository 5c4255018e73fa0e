//! Header and options.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use super::decode::CsvDecoder;
use super::header::{blank_lines, check_line_ends, first_record, twice};
use super::split::CsvSplitter;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::contract::{Preamble, TextInput};
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
    /// The columns were inferred from a sample: a later number that a DOUBLE would change is refused.
    pub inferred: bool,
    /// Name of the files' encoding in messages; bytes that mean nothing in it were made invalid UTF-8.
    pub encoding: &'static str,
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
        let targets = self.targets(names);
        if let Some(name) = twice(names).find(|name| self.schema.index_of(name).is_ok()) {
            return Err(fault(format!("{partition}: two columns of the header are called '{name}'")));
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
            inferred: self.options.inferred,
            encoding: self.options.encoding,
        })
    }
}

impl CsvInput {
    /// For each name of the header the column that is read from it: the one that is spelled so, else the only one that is when case is ignored.
    fn targets(&self, names: &[String]) -> Vec<Option<usize>> {
        let table = &self.options.table;
        let mut targets: Vec<Option<usize>> = names.iter().map(|name| self.schema.index_of(name).ok()).collect();
        for (column, field) in self.schema.fields().iter().enumerate().filter(|(_, field)| !names.contains(field.name())) {
            let fits = |name: &String| name.eq_ignore_ascii_case(field.name()) && table.index_of(name).is_err();
            let mut fitting = (0..names.len()).filter(|at| fits(&names[*at]));
            if let (Some(only), None) = (fitting.next(), fitting.next()) {
                targets[only] = Some(column);
            }
        }
        targets
    }
}

fn fault(message: String) -> Error {
    Error::new(ErrorKind::Source, Fault::User, message)
}

impl TextInput for CsvInput {
    fn preamble(&self, start_of_file: &[u8], at_end: bool, partition: &str) -> Result<Option<Preamble>> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if start_of_file.len() < MARK.len() && !at_end && MARK.starts_with(start_of_file) {
            return Ok(None);
        }
        let mark = if start_of_file.starts_with(MARK) { MARK.len() } else { 0 };
        let rest = &start_of_file[mark..];
        let named = |cause: String| fault(format!("{partition}: {cause}"));
        let (names, length) = if self.options.has_headers && !(at_end && blank_lines(rest) == rest.len()) {
            match first_record(rest, self.options.delimiter, at_end).map_err(named)? {
                Some(header) => {
                    let length = header.length;
                    (header.names().map_err(named)?, length)
                }
                None if rest.len() > self.options.max_record_size => {
                    return Err(named(format!("its header is longer than max_record_size ({} bytes)", self.options.max_record_size)));
                }
                None => return Ok(None),
            }
        } else {
            check_line_ends(rest, self.options.delimiter).map_err(named)?;
            (self.options.table.fields().iter().map(|field| field.name().clone()).collect(), 0)
        };
        let decoder = Arc::new(self.decoder(&names, partition)?);
        let splitter = Box::new(CsvSplitter::new(&decoder));
        Ok(Some(Preamble { length: mark + length, decoder, splitter }))
    }
}
