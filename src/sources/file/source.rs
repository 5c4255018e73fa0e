//! The configured source.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::columnar_reader::{ColumnarPlan, ColumnarSource};
use super::listing::Listing;
use super::options::{Compression, FileSourceOptions, Start, Until};
use super::sample::{nothing_to_infer, text_schema};
use super::text_reader::{TextPlan, TextReader};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::csv::{CsvInput, CsvReadOptions};
use crate::formats::json::{JsonInput, JsonReadOptions};
use crate::formats::{FormatName, TextInput, schema_text};
use crate::stream::{Boundedness, DataReader, DataSource, ReadRequest};

/// Files as a source.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    options: FileSourceOptions,
    listing: Listing,
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
        let listing = Listing::new(&options.path)?;
        let format = options.format.or_else(|| first_suffix(&options.path, &listing)).unwrap_or(FormatName::Json);
        check_combinations(name, &options, &listing, format)?;
        let files = listing.files()?;
        if files.is_empty() && listing.is_open() && !options.follow {
            return Err(Error::new(ErrorKind::Source, Fault::User, format!("{}: no file matches", options.path)));
        }
        let is_declared = declared.is_some();
        let schema = match declared {
            Some(declared) => declared,
            None if listing == Listing::Stdin => return Err(nothing_to_infer(name).context("standard input is not read ahead")),
            None => {
                let schema = Arc::new(if format.readable_when_closed() {
                    ColumnarSource::new(format).schema_of_all(name, &files)?
                } else {
                    text_schema(name, &files, format, &options)?
                });
                if !format.readable_when_closed() {
                    tracing::info!(
                        "source '{name}': columns inferred; to declare them: '{name}.schema' = '{}'",
                        schema_text::print(&schema).replace('\'', "''")
                    );
                }
                schema
            }
        };
        check_types(name, &schema, format)?;
        let bytes = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
        Ok(Self { name: name.to_owned(), options, listing, format, schema, declared: is_declared, bytes })
    }

    fn text_reader(&self, request: &ReadRequest) -> Result<TextReader> {
        let projected =
            Arc::new(self.schema.project(&request.columns).map_err(|error| Error::internal("a column that the source does not have").with_source(error))?);
        let max_record_size = usize::try_from(self.options.max_record_size.0).unwrap_or(usize::MAX);
        let input: Arc<dyn TextInput> = match self.format {
            FormatName::Csv => Arc::new(CsvInput::new(CsvReadOptions {
                table: Arc::clone(&self.schema),
                columns: request.columns.clone(),
                batch_rows: request.batch_rows,
                delimiter: self.options.delimiter.0,
                has_headers: self.options.has_headers,
                max_record_size,
            })?),
            format => Arc::new(JsonInput::new(JsonReadOptions {
                schema: Arc::clone(&projected),
                batch_rows: request.batch_rows,
                document: format == FormatName::Json,
                max_record_size,
            })?),
        };
        Ok(TextReader::new(TextPlan {
            listing: self.listing.clone(),
            input,
            schema: projected,
            compression: self.options.compression,
            encoding: self.options.encoding.0,
            max_record_size,
            parallelism: request.parallelism,
            follow: (self.options.follow && self.options.until.is_none()).then_some(self.options.follow_interval.0),
            from_end: self.options.start == Start::Latest,
            present_length_only: self.options.until == Some(Until::Latest),
        }))
    }
}

/// The format of a path, or of the first file that it stands for.
fn first_suffix(path: &str, listing: &Listing) -> Option<FormatName> {
    FormatName::from_path(path).or_else(|| listing.files().ok()?.first().and_then(|file| FormatName::from_path(&file.to_string_lossy())))
}

fn check_combinations(name: &str, options: &FileSourceOptions, listing: &Listing, format: FormatName) -> Result<()> {
    let refuse = |message: String, help: &str| Err(Error::config(message).with_help(help.to_owned()));
    if options.path.trim().is_empty() {
        return refuse(format!("'{name}.path' is empty"), "give a file, a folder, a glob, or - for standard input");
    }
    let is_plain = matches!(options.compression.unwrap_or_else(|| Compression::from_path(&options.path)), Compression::None);
    if format.readable_when_closed() {
        if options.follow && !listing.is_open() {
            return refuse(format!("'{name}.follow': a {} file can't grow", format.as_str()), "follow a folder or a glob, into which finished files are moved");
        }
        if options.follow {
            return refuse(
                format!("'{name}.follow' is for text formats in this build; '{name}' is {}", format.as_str()),
                "leave 'follow' out, or write json lines or csv",
            );
        }
        if *listing == Listing::Stdin {
            return refuse(
                format!("'{name}.path': {} can't be read from standard input, since its index is at the end", format.as_str()),
                "save it to a file first",
            );
        }
    } else if matches!(options.compression, Some(Compression::Inside)) {
        return refuse(
            format!("'{name}.compression' is a codec of Parquet and Avro; text files use gzip, zstd or bz2"),
            "leave it out, and the suffix of the file decides",
        );
    }
    if options.follow && !format.readable_when_closed() {
        if !is_plain {
            return refuse(format!("'{name}.follow': a compressed file can't be followed"), "follow the file before it is compressed");
        }
        if options.encoding.0 != encoding_rs::UTF_8 {
            return refuse(format!("'{name}.follow': only UTF-8 can be followed"), "leave 'encoding' out");
        }
        if *listing == Listing::Stdin {
            return refuse(format!("'{name}.follow': standard input ends by itself"), "leave 'follow' out");
        }
    }
    if options.start == Start::Latest && !(options.follow && options.until.is_none()) {
        return refuse(
            format!("'{name}.start' = 'latest' needs 'follow': without it there would be nothing to read"),
            "add 'follow' = 'true', or leave 'start' out",
        );
    }
    Ok(())
}

/// Refuses declared types that the format can't be read into, before anything starts.
fn check_types(name: &str, schema: &SchemaRef, format: FormatName) -> Result<()> {
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let checked = match format {
        FormatName::Parquet | FormatName::Avro => Ok(()),
        FormatName::Csv => {
            CsvInput::new(CsvReadOptions { table: Arc::clone(schema), columns: all, batch_rows: 1, delimiter: b',', has_headers: false, max_record_size: 1 })
                .map(|_| ())
        }
        FormatName::Json | FormatName::JsonLines => {
            JsonInput::new(JsonReadOptions { schema: Arc::clone(schema), batch_rows: 1, document: false, max_record_size: 1 }).map(|_| ())
        }
    };
    checked.map_err(|error| error.context(format!("source '{name}'")))
}

impl DataSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn boundedness(&self) -> Boundedness {
        if self.options.is_bounded() { Boundedness::Bounded } else { Boundedness::Unbounded }
    }

    fn estimated_bytes(&self) -> u64 {
        // Text shrinks to about a fifth when compressed.
        let compressed = !matches!(Compression::from_path(&self.options.path), Compression::None);
        self.bytes * if compressed { 5 } else { 1 }
    }

    fn inputs(&self) -> Vec<String> {
        let names: Vec<PathBuf> = self.listing.files().unwrap_or_default();
        names.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned()).collect()
    }

    fn describe(&self) -> String {
        let what = if self.listing == Listing::Stdin { "standard input" } else { &self.options.path };
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
