//! A text format with the columns of a source.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::options::FileSourceOptions;
use super::path_columns::{CompletedInput, Completion};
use crate::error::Result;
use crate::formats::csv::{CsvInput, CsvReadOptions};
use crate::formats::json::{JsonInput, JsonReadOptions};
use crate::formats::{FormatName, TextInput};

/// The format of a source's files and the columns that are read of them.
#[derive(Clone, Debug)]
pub(super) struct TextTable {
    pub format: FormatName,
    /// All columns of the table.
    pub schema: SchemaRef,
    /// The columns that are read, ascending.
    pub columns: Vec<usize>,
    /// Most rows of a batch.
    pub batch_rows: usize,
    pub delimiter: u8,
    pub has_headers: bool,
    pub max_record_size: usize,
    pub encoding: &'static encoding_rs::Encoding,
    /// The columns were inferred from a sample.
    pub inferred: bool,
}

impl TextTable {
    /// All columns of a table, in batches of one row.
    pub(super) fn new(format: FormatName, schema: &SchemaRef, options: &FileSourceOptions) -> Self {
        Self {
            format,
            schema: Arc::clone(schema),
            columns: (0..schema.fields().len()).collect(),
            batch_rows: 1,
            delimiter: options.delimiter.0,
            has_headers: options.has_headers,
            max_record_size: usize::try_from(options.max_record_size.0).unwrap_or(usize::MAX),
            encoding: options.encoding.0,
            inferred: false,
        }
    }

    /// For a file whose path gives these columns. The inner `Err`: one of them does not fit, so the file can't be used.
    pub(super) fn input(&self, path_columns: &[(String, Option<String>)]) -> Result<Result<Arc<dyn TextInput>, String>> {
        if path_columns.is_empty() {
            return self.of_file(&self.schema, &self.columns).map(Ok);
        }
        Ok(match Completion::new(&self.schema, &self.columns, path_columns) {
            Ok(completion) => {
                let input = self.of_file(&completion.file_table, &completion.file_columns)?;
                Ok(Arc::new(CompletedInput { input, completion: Arc::new(completion) }))
            }
            Err(reason) => Err(reason),
        })
    }

    fn of_file(&self, table: &SchemaRef, columns: &[usize]) -> Result<Arc<dyn TextInput>> {
        Ok(match self.format {
            FormatName::Csv => Arc::new(CsvInput::new(CsvReadOptions {
                table: Arc::clone(table),
                columns: columns.to_vec(),
                batch_rows: self.batch_rows,
                delimiter: self.delimiter,
                has_headers: self.has_headers,
                max_record_size: self.max_record_size,
                inferred: self.inferred,
                encoding: self.encoding.name(),
            })?),
            format => Arc::new(JsonInput::new(JsonReadOptions {
                schema: Arc::new(
                    table.project(columns).map_err(|error| crate::error::Error::internal("a column that the table does not have").with_source(error))?,
                ),
                batch_rows: self.batch_rows,
                document: format == FormatName::Json,
                max_record_size: self.max_record_size,
                inferred: self.inferred,
                encoding: self.encoding.name(),
            })?),
        })
    }
}
