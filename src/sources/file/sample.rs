//! The columns of files without declared ones.

use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;

use super::input_stream::InputStream;
use super::listing::unreadable;
use super::options::{Compression, FileSourceOptions};
use super::pipe::Pipe;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::{FormatName, Inferred, csv, json};

/// Records of each file that are looked at, and bytes at most.
const SAMPLE_RECORDS: usize = 1_000;
const SAMPLE_BYTES: usize = 1 << 20;
/// Bytes in which a header is looked for where columns are declared.
const HEADER_BYTES: usize = 64 << 10;

/// The columns of all files: inferred from the first records of each.
///
/// **Errors**: a file can't be read, the columns of two files don't go together, or there are none.
pub(super) fn of_files(name: &str, files: &[PathBuf], format: FormatName, options: &FileSourceOptions) -> Result<Schema> {
    let mut merged: Option<(Inferred, &PathBuf)> = None;
    for path in files {
        let (text, whole) = beginning(path, options, SAMPLE_BYTES)?;
        let found = infer(&text, whole, format, options).map_err(|cause| faulty(path, &cause))?;
        if found.is_empty() {
            continue;
        }
        merged = Some(match merged {
            None => (found, path),
            Some((known, first)) => (known.merge(found).map_err(|conflict| conflicting(name, first, path, &conflict))?, first),
        });
    }
    merged.map(|(inferred, _)| inferred.schema()).ok_or_else(|| nothing_to_infer(name))
}

/// The columns of a pipe; waits for its first bytes, which its reader will have too.
pub(super) fn of_pipe(name: &str, path: &Path, pipe: &Pipe, format: FormatName, options: &FileSourceOptions) -> Result<Schema> {
    let compression = options.compression.unwrap_or_else(|| Compression::from_path(&path.to_string_lossy()));
    let (bytes, all) = pipe.sample(SAMPLE_BYTES, SAMPLE_RECORDS).map_err(|error| unreadable(path, &error))?;
    let mut text = Vec::new();
    let mut stream = InputStream::new(std::io::Cursor::new(bytes), compression, options.encoding.0).map_err(|error| unreadable(path, &error))?;
    // Compressed bytes that are cut off end in an error, which says nothing.
    let whole = stream.append(&mut text, SAMPLE_BYTES).is_ok() && all && text.len() < SAMPLE_BYTES;
    let found = infer(&text, whole, format, options).map_err(|cause| faulty(path, &cause))?;
    if found.is_empty() { Err(nothing_to_infer(name)) } else { Ok(found.schema()) }
}

/// Refuses files whose headers can't be read or name a column twice, before anything starts.
pub(super) fn check_headers(files: &[PathBuf], columns: &Schema, options: &FileSourceOptions) -> Result<()> {
    for path in files {
        let (text, whole) = beginning(path, options, HEADER_BYTES)?;
        csv::check_header(&text, options.delimiter.0, options.has_headers, whole, columns).map_err(|cause| faulty(path, &cause))?;
    }
    Ok(())
}

fn infer(text: &[u8], whole: bool, format: FormatName, options: &FileSourceOptions) -> Result<Inferred, String> {
    match format {
        FormatName::Csv => csv::infer_schema(text, SAMPLE_RECORDS, options.delimiter.0, options.has_headers, whole),
        format => Ok(json::infer_schema(text, SAMPLE_RECORDS, format == FormatName::Json, whole)),
    }
}

/// The first bytes of a file's text, and whether they are all. Damage after them is the reader's to tell.
fn beginning(path: &Path, options: &FileSourceOptions, most: usize) -> Result<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    let mut stream = InputStream::open(path, options.compression, options.encoding.0).map_err(|error| unreadable(path, &error))?;
    match stream.append(&mut text, most) {
        Err(error) if stream.device_failed() => Err(unreadable(path, &error)),
        Err(error) => {
            tracing::warn!("{}: the file is damaged ({error})", path.display());
            Ok((text, false))
        }
        Ok(()) => {
            let whole = text.len() < most;
            Ok((text, whole))
        }
    }
}

fn faulty(path: &Path, cause: &str) -> Error {
    Error::new(ErrorKind::Source, Fault::User, format!("{}: {cause}", path.display()))
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
