//! The configured source.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::columnar_reader::{ColumnarPlan, ColumnarSource};
use super::listing::{Listing, STDIN};
use super::options::{Compression, FileSourceOptions, Start, Until};
use super::path_columns::Completion;
use super::pipe::Pipe;
use super::sample;
use super::text_reader::{TextPlan, TextReader};
use super::text_table::TextTable;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::FormatName;
use crate::sources::tell_inferred;
use crate::stream::{Boundedness, DataReader, DataSource, LONG_ROW, ReadRequest, row_width};

/// Files as a source.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    options: FileSourceOptions,
    listing: Listing,
    pipe: Option<Arc<Pipe>>,
    format: FormatName,
    schema: SchemaRef,
    declared: bool,
    bytes: u64,
}

impl FileSource {
    /// Checks that the path can be read and finds out the columns: `declared`, or those of the files, which are then logged as the line to paste.
    ///
    /// **Errors**: with [`Fault::User`] for a path that does not exist or may not be read, settings that don't go together, and columns that can't be known.
    pub fn create(name: &str, options: FileSourceOptions, declared: Option<SchemaRef>) -> Result<Self> {
        let listing = Listing::new(&options.path).map_err(|error| error.about(name, "path"))?;
        let format = options.format.or_else(|| first_suffix(&options.path, &listing)).unwrap_or(FormatName::Json);
        check_combinations(name, &options, &listing, format)?;
        let files = listing.files()?;
        if files.is_empty() && listing.is_open() && !options.follow {
            return Err(Error::new(ErrorKind::Source, Fault::User, format!("{}: no file matches", options.path)));
        }
        let pipe = match &listing {
            Listing::Pipe(path) => Some(Arc::new(Pipe::new(path)?)),
            _ => None,
        };
        let is_declared = declared.is_some();
        let schema = match declared {
            Some(declared) => declared,
            None => {
                let found = match (&listing, &pipe) {
                    (Listing::Pipe(path), Some(pipe)) => sample::of_pipe(name, path, pipe, format, &options)?,
                    _ if format.readable_when_closed() => ColumnarSource::new(format).schema_of_all(name, &files)?,
                    _ => sample::of_files(name, &files, format, &options)?,
                };
                let schema = Arc::new(with_path_columns(&found, &listing, &files));
                if !format.readable_when_closed() {
                    tell_inferred(name, &schema);
                }
                schema
            }
        };
        let source = Self { name: name.to_owned(), bytes: total_bytes(&files), options, listing, pipe, format, schema, declared: is_declared };
        source.check(&files)?;
        Ok(source)
    }

    /// Refuses what can be known to fail before anything starts: declared types that the format can't be read into, headers, values in paths.
    fn check(&self, files: &[PathBuf]) -> Result<()> {
        if !self.format.readable_when_closed() {
            let table = TextTable::new(self.format, &self.schema, &self.options);
            let checked = table.input(&[]).map(|_| ());
            checked.map_err(|error| error.context(format!("source '{}'", self.name)))?;
        }
        if self.declared && self.format == FormatName::Csv {
            sample::check_headers(files, &self.schema, &self.options)?;
        }
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let mut checked = HashSet::new();
        for path in files {
            let values = self.listing.path_columns(path);
            if !values.is_empty() && checked.insert(values.clone()) {
                let fits = Completion::new(&self.schema, &all, &values).map(|_| ());
                fits.map_err(|cause| Error::new(ErrorKind::Source, Fault::User, format!("{}: {cause}", path.display())))?;
            }
        }
        Ok(())
    }

    fn text_reader(&self, request: &ReadRequest) -> Result<TextReader> {
        let projected =
            Arc::new(self.schema.project(&request.columns).map_err(|error| Error::internal("a column that the source does not have").with_source(error))?);
        let width = row_width(&projected);
        let table = TextTable {
            columns: request.columns.clone(),
            batch_rows: request.batch_rows,
            inferred: !self.declared,
            ..TextTable::new(self.format, &self.schema, &self.options)
        };
        Ok(TextReader::new(TextPlan {
            listing: self.listing.clone(),
            pipe: self.pipe.clone(),
            max_record_size: table.max_record_size,
            table,
            schema: projected,
            compression: self.options.compression,
            encoding: self.options.encoding.0,
            parallelism: request.parallelism,
            follow: (self.options.follow && self.options.until.is_none()).then_some(self.options.follow_interval.0),
            from_end: self.options.start == Start::Latest,
            present_length_only: self.options.until == Some(Until::Latest),
            // Each row takes its columns, however little of them stands in the file.
            most_records: request.batch_rows.max(1).saturating_mul((LONG_ROW / width.max(1)).max(1)),
        }))
    }
}

/// The columns found in files, then those that their paths give; a column of both is the path's.
fn with_path_columns(found: &Schema, listing: &Listing, files: &[PathBuf]) -> Schema {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in files.iter().flat_map(|file| listing.path_columns(file)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let in_files = found.fields().iter().filter(|field| !names.contains(field.name())).map(|field| field.as_ref().clone());
    let in_paths = names.iter().map(|name| Field::new(name, DataType::Utf8View, true));
    Schema::new(in_files.chain(in_paths).collect::<Vec<_>>())
}

fn total_bytes(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|metadata| metadata.len()).sum()
}

/// The format of a path, or of the first file that it stands for.
fn first_suffix(path: &str, listing: &Listing) -> Option<FormatName> {
    FormatName::from_path(path).or_else(|| listing.files().ok()?.first().and_then(|file| FormatName::from_path(&file.to_string_lossy())))
}

fn check_combinations(name: &str, options: &FileSourceOptions, listing: &Listing, format: FormatName) -> Result<()> {
    let refuse = |key: &str, what: &str, help: &str| Err(Error::setting(name, key, what).with_help(help));
    if options.path.trim().is_empty() {
        return refuse("path", " is empty", "give a file, a folder, a glob, or - for standard input");
    }
    let is_plain = matches!(options.compression.unwrap_or_else(|| Compression::from_path(&options.path)), Compression::None);
    if format.readable_when_closed() {
        if options.follow && !listing.is_open() {
            return refuse("follow", &format!(": a {} file can't grow", format.as_str()), "follow a folder or a glob, into which finished files are moved");
        }
        if options.follow {
            return refuse(
                "follow",
                &format!(" is for text formats in this build; '{name}' is {}", format.as_str()),
                "leave 'follow' out, or write json lines or csv",
            );
        }
        if listing.is_pipe() {
            return refuse(
                "path",
                &format!(": {} can't be read from {}, since its index is at the end", format.as_str(), pipe_name(&options.path)),
                "save it to a file first",
            );
        }
    } else if matches!(options.compression, Some(Compression::Inside)) {
        return refuse("compression", " is a codec of Parquet and Avro; text files use gzip, zstd or bz2", "leave it out, and the suffix of the file decides");
    }
    if options.follow && !format.readable_when_closed() {
        if !is_plain && !listing.is_open() {
            return refuse("follow", ": a compressed file can't be followed", "follow the file before it is compressed");
        }
        if options.encoding.0 != encoding_rs::UTF_8 {
            return refuse("follow", ": only UTF-8 can be followed", "leave 'encoding' out");
        }
        if listing.is_pipe() {
            return refuse("follow", &format!(": {} ends by itself", pipe_name(&options.path)), "leave 'follow' out");
        }
    }
    if options.start == Start::Latest && !(options.follow && options.until.is_none()) {
        return refuse("start", " = 'latest' needs 'follow': without it there would be nothing to read", "add 'follow' = 'true', or leave 'start' out");
    }
    Ok(())
}

fn pipe_name(path: &str) -> &'static str {
    if path == STDIN { "standard input" } else { "a pipe" }
}

impl DataSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn boundedness(&self) -> Boundedness {
        let endless_pipe = self.listing.is_pipe() && self.options.until.is_none();
        if self.options.is_bounded() && !endless_pipe { Boundedness::Bounded } else { Boundedness::Unbounded }
    }

    fn estimated_bytes(&self) -> u64 {
        // Text shrinks to about a fifth when compressed.
        let compressed = !matches!(Compression::from_path(&self.options.path), Compression::None);
        self.bytes * if compressed { 5 } else { 1 }
    }

    fn describe(&self) -> String {
        let what = if *self.options.path == *STDIN { "standard input" } else { &self.options.path };
        let columns = self.schema.fields().len();
        let how = if self.declared { "declared" } else { "inferred" };
        let follow = if self.options.follow && self.options.until.is_none() { ", followed" } else { "" };
        format!("file {what}, {}, {columns} columns {how}{follow}", self.format.as_str())
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        match self.format {
            FormatName::Parquet | FormatName::Avro => {
                let plan = ColumnarPlan { source: ColumnarSource::new(self.format), listing: self.listing.clone(), schema: Arc::clone(&self.schema), request };
                Ok(plan.reader())
            }
            _ => Ok(Box::new(self.text_reader(&request)?)),
        }
    }
}
