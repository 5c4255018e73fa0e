//! Declared columns in a file: an Avro schema (`.avsc`), or SQL column definitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;

use super::text_file;
use crate::error::{Error, Result};
use crate::formats::avro::schema_from_json;
use crate::formats::schema_text;
use crate::options::{KeyMap, Origin, Setting};

/// Reads a file: its columns, and the Avro schema if it is one. `folders` are tried in order for a relative path.
pub(super) fn read(path: &Path, folders: &[PathBuf]) -> Result<(Schema, Option<Arc<str>>)> {
    let text = text_file::read(path, folders)?;
    if path.extension().is_some_and(|extension| extension == "avsc" || extension == "json") {
        let columns = schema_from_json(&text).map_err(|error| error.context(path.display()))?;
        return Ok((columns, Some(Arc::from(text))));
    }
    let columns = columns_of(&text);
    let columns = schema_text::parse(columns).map_err(|fault| Error::config(format!("{}: {fault}", path.display())))?;
    Ok((columns, None))
}

/// The column list of `CREATE TABLE name (…)`, or the text itself.
fn columns_of(text: &str) -> &str {
    let text = text.trim().trim_end_matches(';').trim_end();
    let is_table = text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("create"));
    match (text.find('('), text.strip_suffix(')')) {
        (Some(open), Some(inner)) if is_table => inner.get(open + 1..).unwrap_or_default(),
        _ => text,
    }
}

/// What is wrong with a file that a setting names; the statement shows its keys by itself.
pub(super) fn fault(setting: &Setting, error: Error) -> Error {
    let error = if matches!(setting.origin, Origin::Inline { .. }) { error } else { error.context(format!("'{}'", setting.written)) };
    setting.origin.blame_value(error)
}

/// The text of the file that a sink's `schema_file` names.
pub(super) fn avro_text(kind: &str, map: &KeyMap, folders: &[PathBuf], errors: &mut Vec<Error>) -> Option<Arc<str>> {
    let file = map.resolved("schema_file").filter(|_| kind == "kafka")?;
    let text = text_file::read(Path::new(&file.value), folders);
    text.map(Arc::from).map_err(|error| errors.push(fault(file, error))).ok()
}
