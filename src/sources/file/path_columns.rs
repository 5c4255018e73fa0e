//! Columns that the path of a file gives: `lake/day=2024-01-05/part-0001.parquet` below the folder `lake` has the column `day`.

use std::path::{Component, Path};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;

use crate::error::{Error, Result};
use crate::formats::{Chunk, ChunkDecoder, DecodedChunk, Preamble, TextInput, parse_value};

/// Stands for NULL in the name of a folder, as in Hive.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Whether the last name of a path is `column=value`.
pub(super) fn names_column(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| !name.starts_with('.') && column(name).is_some())
}

fn column(name: &str) -> Option<(String, Option<String>)> {
    let (column, value) = name.split_once('=').filter(|(column, _)| !column.is_empty())?;
    Some((decoded(column), (value != NULL).then(|| decoded(value))))
}

/// The columns of the folders between `root` and a file: names, and values (`None` is NULL).
pub(super) fn of(root: &Path, file: &Path) -> Vec<(String, Option<String>)> {
    let below = file.strip_prefix(root).ok().and_then(Path::parent);
    let names = below.into_iter().flat_map(Path::components).filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    names.filter_map(column).collect()
}

/// `%` and two hexadecimal digits are a byte.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where a column of a batch comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The file: the column's number there.
    File(usize),
    /// The path: the value of every row.
    Path(ScalarValue),
}

/// How the batches of one file become batches of the table.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    /// The wanted columns.
    schema: SchemaRef,
    pub(super) origins: Vec<Origin>,
    /// The table without the columns that the path gives.
    pub(super) file_table: SchemaRef,
    /// The wanted columns of it.
    pub(super) file_columns: Vec<usize>,
}

impl Completion {
    /// For a file whose path gives `values`, and the columns `wanted` of `table`.
    ///
    /// **Errors**: a value does not fit its column.
    pub(super) fn new(table: &SchemaRef, wanted: &[usize], values: &[(String, Option<String>)]) -> Result<Self, String> {
        let given = |name: &str| values.iter().rev().find(|(column, _)| column == name).map(|(_, value)| value.as_deref());
        let in_file: Vec<usize> = (0..table.fields().len()).filter(|at| given(table.field(*at).name()).is_none()).collect();
        let file_table = if in_file.len() == table.fields().len() {
            Arc::clone(table)
        } else {
            Arc::new(Schema::new(in_file.iter().map(|at| Arc::clone(&table.fields()[*at])).collect::<Vec<_>>()))
        };
        let mut file_columns = Vec::new();
        let origins = wanted
            .iter()
            .map(|at| {
                let field = table.field(*at);
                if let Some(value) = given(field.name()) {
                    let array = parse_value(field, value).map_err(|reason| format!("the folder of column '{}': {reason}", field.name()))?;
                    return ScalarValue::try_from_array(&array, 0).map(Origin::Path).map_err(|error| error.to_string());
                }
                let column = in_file.binary_search(at).map_err(|_| "a column that the table does not have".to_owned())?;
                file_columns.push(column);
                Ok(Origin::File(file_columns.len() - 1))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let schema = Arc::new(table.project(wanted).map_err(|error| error.to_string())?);
        Ok(Self { schema, origins, file_table, file_columns })
    }

    /// Adds the columns that the path gives to rows of the file.
    pub(super) fn complete(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let inconsistent = |error: &dyn std::fmt::Display| Error::internal(format!("the columns of a path can't be added: {error}"));
        let column = |origin: &Origin| -> Result<ArrayRef> {
            match origin {
                Origin::File(at) => Ok(Arc::clone(rows.column(*at))),
                Origin::Path(value) => value.to_array_of_size(rows.num_rows()).map_err(|error| inconsistent(&error)),
            }
        };
        let columns = self.origins.iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|error| inconsistent(&error))
    }
}

/// A text format whose files lack columns that their path gives.
#[derive(Debug)]
pub(super) struct CompletedInput {
    pub input: Arc<dyn TextInput>,
    pub completion: Arc<Completion>,
}

impl TextInput for CompletedInput {
    fn preamble(&self, start_of_file: &[u8], at_end: bool, partition: &str) -> Result<Option<Preamble>> {
        let preamble = self.input.preamble(start_of_file, at_end, partition)?;
        Ok(preamble.map(|preamble| {
            let decoder = CompletedDecoder { decoder: preamble.decoder, completion: Arc::clone(&self.completion) };
            Preamble { decoder: Arc::new(decoder), ..preamble }
        }))
    }
}

#[derive(Debug)]
struct CompletedDecoder {
    decoder: Arc<dyn ChunkDecoder>,
    completion: Arc<Completion>,
}

impl ChunkDecoder for CompletedDecoder {
    fn decode(&self, chunk: &Chunk) -> Result<DecodedChunk> {
        let mut decoded = self.decoder.decode(chunk)?;
        for batch in &mut decoded.batches {
            batch.rows = self.completion.complete(&batch.rows)?;
        }
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_names_and_values() {
        let found = of(Path::new("lake"), Path::new("lake/day=2024-01-05/r=a%2Fb%/x=__HIVE_DEFAULT_PARTITION__/plain/e=/f.csv"));
        let expected = [("day", Some("2024-01-05")), ("r", Some("a/b%")), ("x", None), ("e", Some(""))];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
        assert!(of(Path::new("lake/day=1"), Path::new("lake/day=1/f.csv")).is_empty());
        assert!(names_column(Path::new("a=b")) && !names_column(Path::new("=b")) && !names_column(Path::new(".a=b")) && !names_column(Path::new("ab")));
    }
}
