//! The columns of files without declared ones.

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;
use encoding_rs::Encoding;

use super::input_stream;
use super::listing::unreadable;
use super::options::{Compression, FileSourceOptions};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::{FormatName, csv, json, merge_schemas};

/// Records of each file that are looked at, and bytes at most.
pub(super) const SAMPLE_RECORDS: usize = 1_000;
const SAMPLE_BYTES: u64 = 1 << 20;

/// The columns of all files: inferred from the first records of each for text.
///
/// **Errors**: a file can't be read, the columns of two files don't go together, or there are none.
pub(super) fn text_schema(name: &str, files: &[PathBuf], format: FormatName, options: &FileSourceOptions) -> Result<Schema> {
    let mut merged: Option<(Schema, &PathBuf)> = None;
    for path in files {
        let found = sample(path, format, options)?;
        if found.fields().is_empty() {
            continue;
        }
        merged = Some(match merged {
            None => (found, path),
            Some((known, first)) => (merge_schemas(&known, &found).map_err(|conflict| conflicting(name, first, path, &conflict))?, first),
        });
    }
    merged.map(|(schema, _)| schema).ok_or_else(|| nothing_to_infer(name))
}

/// Two files that don't make one table.
pub(super) fn conflicting(name: &str, first: &Path, other: &Path, conflict: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("{} and {} have different columns: {conflict}", first.display(), other.display()))
        .with_help(format!("declare the columns with '{name}.schema', or narrow '{name}.path'"))
}

/// No record to infer columns from.
pub(super) fn nothing_to_infer(name: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("'{name}' has no record yet to infer columns from"))
        .with_help(format!("declare them: '{name}.schema' = 'name TYPE, …'"))
}

fn sample(path: &Path, format: FormatName, options: &FileSourceOptions) -> Result<Schema> {
    let text = beginning(path, options.compression, options.encoding.0).map_err(|error| unreadable(path, &error))?;
    let whole = (text.len() as u64) < SAMPLE_BYTES;
    Ok(match format {
        FormatName::Csv => csv::infer_schema(&text, SAMPLE_RECORDS, options.delimiter.0, options.has_headers, whole),
        format => json::infer_schema(&text, SAMPLE_RECORDS, format == FormatName::Json),
    })
}

fn beginning(path: &Path, compression: Option<Compression>, encoding: &'static Encoding) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    input_stream::open(path, compression, encoding)?.take(SAMPLE_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
