//! An opened Parquet file, its columns in the engine's types.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::schema::types::SchemaDescriptor;

use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::normalize::{UTC, normal_schema};
use crate::formats::unwind::guarded;

/// A Parquet file whose footer was read.
pub(super) struct ParquetFile {
    /// The file.
    pub(super) file: File,
    /// Its footer, with the types that the reader is to make.
    pub(super) metadata: ArrowReaderMetadata,
    /// Its columns in the engine's types.
    pub(super) columns: SchemaRef,
    /// Its name in messages.
    pub(super) name: Arc<str>,
}

impl ParquetFile {
    /// Opens a file and reads its footer.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name: Arc<str> = Arc::from(path.display().to_string());
        let file = File::open(path).map_err(|e| Error::io(ErrorKind::Source, format!("can't open '{name}'"), e))?;
        let length = file.metadata().map_err(|e| Error::io(ErrorKind::Source, format!("can't read '{name}'"), e))?.len();
        if length == 0 {
            return Err(unreadable(&name, "it is empty"));
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(false);
        let found = guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(|e| unreadable(&name, e))?.map_err(|e| unreadable(&name, e))?;
        let parquet = found.metadata().file_metadata().schema_descr();
        let direct = Arc::new(direct_schema(found.schema(), parquet));
        // What the reader can't make directly is converted after reading.
        let metadata = match direct.fields() == found.schema().fields() {
            true => found,
            false => guarded(|| ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), ArrowReaderOptions::new().with_schema(direct)))
                .map_err(|e| unreadable(&name, e))?
                .unwrap_or(found),
        };
        let mut names = HashSet::new();
        if let Some(twice) = metadata.schema().fields().iter().find(|field| !names.insert(field.name())) {
            return Err(unreadable(&name, format!("it has two columns called '{}'", twice.name())));
        }
        let columns = Arc::new(normal_schema(metadata.schema()));
        Ok(Self { file, metadata, columns, name })
    }
}

/// The file can't be read, and why.
pub(super) fn unreadable(name: &str, cause: impl ToString) -> Error {
    let cause = cause.to_string();
    // What follows is a dump of the decoder.
    let cause = if cause.contains("ARROW:schema") { "its note of the column types (ARROW:schema) is damaged".to_owned() } else { cause };
    let cause =
        ["Parquet error: ", "Parquet argument error: ", "Arrow: "].iter().fold(cause.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    Error::new(ErrorKind::Source, Fault::User, format!("'{name}' can't be read as a Parquet file: {cause}"))
        .with_help("it may be damaged, unfinished or of another format")
}

/// The types to ask the reader for: text as views, which saves copying it, and 96-bit timestamps in microseconds, because in nanoseconds they hold only the years
/// 1677 to 2262.
fn direct_schema(found: &Schema, parquet: &SchemaDescriptor) -> Schema {
    let fields = found.fields().iter().map(|field| {
        let leaves = || parquet.columns().iter().filter(|leaf| leaf.path().parts().first() == Some(field.name()));
        let wide = leaves().any(|leaf| leaf.physical_type() == PhysicalType::INT96) && leaves().all(|leaf| leaf.physical_type() != PhysicalType::INT64);
        direct_field(field, wide)
    });
    Schema::new(fields.collect::<Fields>()).with_metadata(found.metadata().clone())
}

fn direct_field(field: &Field, wide: bool) -> Field {
    field.clone().with_data_type(direct_type(field.data_type(), wide))
}

fn direct_type(data_type: &DataType, wide: bool) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Timestamp(TimeUnit::Nanosecond, None) if wide => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        DataType::List(item) => DataType::List(Arc::new(direct_field(item, wide))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| direct_field(field, wide)).collect()),
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(direct_field(entries, wide)), *sorted),
        other => other.clone(),
    }
}
