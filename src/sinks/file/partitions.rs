//! Rows by the values of the partition columns.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::temporary::LONGEST_NAME;
use crate::error::{Error, Result, excerpt};
use crate::formats::plain_texts;
use crate::stream::RejectedRecord;

/// Stands for NULL in the name of a folder, as in Hive.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// What the folders of a column begin with.
pub(super) fn folder_beginning(column: &str) -> String {
    let mut beginning = String::new();
    escape(column, &mut beginning);
    beginning.push('=');
    beginning
}

/// A name as the one column spells it that it matches when case is ignored, as in SQL.
fn spelled(schema: &Schema, name: &str) -> String {
    let mut same = schema.fields().iter().filter(|field| field.name().eq_ignore_ascii_case(name));
    match (schema.index_of(name), same.next(), same.next()) {
        (Err(_), Some(only), None) => only.name().clone(),
        _ => name.to_owned(),
    }
}

/// The columns whose values choose the folder, and the others.
#[derive(Clone, Debug)]
pub(super) struct Partitioning {
    names: Vec<String>,
    keys: Vec<Option<usize>>,
    kept: Vec<usize>,
    /// Schema of the files.
    pub(super) schema: SchemaRef,
}

impl Partitioning {
    /// Partitions rows of `schema` by the columns called `names` (which may be none). A column that the rows lack is NULL in all of them.
    pub(super) fn new(sink: &str, schema: &SchemaRef, names: &[String]) -> Result<Self> {
        let names: Vec<String> = names.iter().map(|name| spelled(schema, name)).collect();
        let keys: Vec<Option<usize>> = names.iter().map(|name| schema.index_of(name).ok()).collect();
        for key in keys.iter().flatten() {
            let field = schema.field(*key);
            if matches!(field.data_type(), DataType::Struct(_) | DataType::List(_) | DataType::Map(..)) {
                return Err(Error::setting(sink, "partition_columns", format!(": '{}' is nested; its values can't name a folder", field.name())));
            }
        }
        let kept: Vec<usize> = (0..schema.fields().len()).filter(|at| !keys.contains(&Some(*at))).collect();
        if kept.is_empty() && !keys.is_empty() {
            return Err(Error::setting(sink, "partition_columns", " are all columns, so nothing is left for the files").with_help("leave one of them out"));
        }
        let fields: Vec<_> = kept.iter().map(|at| schema.field(*at).clone()).collect();
        Ok(Self { names, keys, kept, schema: std::sync::Arc::new(Schema::new(fields)) })
    }

    /// Tells of each column that the rows lack, with the nearest that they have.
    pub(super) fn warn_of_missing(&self, sink: &str) {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        for (name, _) in self.names.iter().zip(&self.keys).filter(|(_, key)| key.is_none()) {
            let near = sql_extensions::nearest(name, columns.iter().copied()).map(|near| format!(" (nearest: {near})")).unwrap_or_default();
            tracing::warn!("sink '{sink}': partition column '{name}' is not among the output columns{near}; all rows go to {name}={NULL_FOLDER}");
        }
    }

    /// What the folders of each column begin with: `day=`.
    pub(super) fn folder_beginnings(&self) -> Vec<String> {
        self.names.iter().map(|name| folder_beginning(name)).collect()
    }

    /// The rows of each folder (`a=1/b=x`, or an empty name without partition columns), in the order of their first rows. Rows whose values can't name a folder go to `rejected`.
    pub(super) fn split(&self, batch: &RecordBatch, rejected: &mut Vec<RejectedRecord>) -> Result<Vec<(String, RecordBatch)>> {
        if self.keys.is_empty() {
            return Ok(vec![(String::new(), batch.clone())]);
        }
        let texts = self.keys.iter().map(|at| at.map(|at| plain_texts(batch.column(at))).transpose()).collect::<Result<Vec<_>>>()?;
        let mut order: Vec<(String, Vec<u32>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        'rows: for row in 0..batch.num_rows() {
            let mut folder = String::new();
            for (name, column) in self.names.iter().zip(&texts) {
                if !folder.is_empty() {
                    folder.push('/');
                }
                let start = folder.len();
                escape(name, &mut folder);
                folder.push('=');
                match column.as_ref().and_then(|column| column[row].as_ref()) {
                    // The text that looks like NULL is told apart by its first sign; readers take the `%` back.
                    Some(text) if text == NULL_FOLDER => folder.push_str(&NULL_FOLDER.replacen('_', "%5F", 1)),
                    // An empty text can't name a folder; Hive takes it for NULL as well.
                    Some(text) if !text.is_empty() => escape(text, &mut folder),
                    _ => folder.push_str(NULL_FOLDER),
                }
                if folder.len() - start > LONGEST_NAME {
                    let value = excerpt(&folder[start..]);
                    rejected.push(RejectedRecord { place: None, reason: format!("partition column '{name}': {value} is too long for the name of a folder") });
                    continue 'rows;
                }
            }
            let place = *places.entry(folder).or_insert_with_key(|folder| {
                order.push((folder.clone(), Vec::new()));
                order.len() - 1
            });
            order[place].1.push(row as u32);
        }
        let internal = |error: arrow::error::ArrowError| Error::internal("rows can't be partitioned").with_source(error);
        let kept = batch.project(&self.kept).map_err(internal)?;
        order
            .into_iter()
            .map(|(folder, rows)| {
                let part = if rows.len() == kept.num_rows() { kept.clone() } else { take_record_batch(&kept, &UInt32Array::from(rows)).map_err(internal)? };
                Ok((folder, part))
            })
            .collect()
    }
}

/// Escapes what can't stand in the name of a folder, as Hive does: `%` and two hexadecimal digits.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_control() || matches!(c, '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '}' | '[' | ']' | '^' | '<' | '>' | '|') {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    // The names of the present and the parent folder.
    if matches!(text, "." | "..") {
        let dots = text.len();
        out.truncate(out.len() - dots);
        out.push_str(&"%2E".repeat(dots));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn folder_names_never_leave_the_folder() {
        let escaped = |text: &str| {
            let mut out = String::new();
            escape(text, &mut out);
            out
        };
        assert_eq!(escaped("a/../b=ü %"), "a%2F..%2Fb%3Dü %25");
        assert_eq!(escaped(".."), "%2E%2E");
    }

    #[test]
    fn a_text_is_never_taken_for_null_and_a_long_one_for_a_fault_of_the_disk() {
        let schema = Arc::new(Schema::new(vec![Field::new("d", DataType::Utf8, true), Field::new("id", DataType::Int64, false)]));
        let long = "ü".repeat(127);
        let texts = StringArray::from(vec![None, Some(""), Some(NULL_FOLDER), Some("x"), Some(&long)]);
        let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(texts), Arc::new(Int64Array::from_iter_values(1..6))]).expect("rows");
        let mut rejected = Vec::new();
        let parts = Partitioning::new("s", &schema, &["d".to_owned()]).expect("a column").split(&rows, &mut rejected).expect("parts");
        let found: Vec<(&str, usize)> = parts.iter().map(|(folder, rows)| (folder.as_str(), rows.num_rows())).collect();
        assert_eq!(found, [("d=__HIVE_DEFAULT_PARTITION__", 2), ("d=%5F_HIVE_DEFAULT_PARTITION__", 1), ("d=x", 1)]);
        assert!(rejected.len() == 1 && rejected[0].reason.ends_with("is too long for the name of a folder"), "{rejected:?}");
    }
}
