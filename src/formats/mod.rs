//! Bytes to batches and back, the same at both ends. In reading order:
//! - `contract`: what a text format offers to readers and writers
//! - `name`: the formats by name and file suffix
//! - `messages`: what a format offers to readers of messages
//! - `value`: values as text, exactly
//! - `json`, `csv`: the text formats
//! - `columnar_in`, `columnar`: what a columnar file format offers to readers and writers
//! - `normalize`: the types of foreign files as the few types the engine works with
//! - `adapt`: the columns of a file as the columns of a table
//! - `stored`: rows of the engine in the types that a columnar format stores
//! - `unwind`: panics of decoders as errors
//! - `parquet`, `avro`: the columnar formats
//! - `samples`: rows of all types, for tests
//! - `guess`: the column types of a sample
//! - `schema_text`: declared columns

pub mod adapt;
pub mod avro;
mod columnar;
mod columnar_in;
mod contract;
pub mod csv;
mod guess;
pub mod json;
mod messages;
mod name;
pub mod normalize;
pub mod parquet;
#[cfg(test)]
mod samples;
pub mod schema_text;
mod stored;
mod unwind;
mod value;

pub use columnar::{ColumnarFormat, ColumnarWriter};
pub use columnar_in::{ColumnarBatch, ColumnarInput, ColumnarReader, ColumnarRequest};
pub use contract::{BatchEncoder, Chunk, ChunkDecoder, DecodedBatch, DecodedChunk, EncodedBatch, Preamble, RecordSplitter, Split, TextInput};
pub use guess::{Inferred, merge_schemas};
pub use messages::{DecodedMessages, KeyFormat, MessageDecoder, MessageFormat, Messages};
pub use name::FormatName;

/// The values of a column as plain text for people and for names, `None` for NULL; nested values are JSON.
///
/// **Errors**: a type that has no text.
pub fn plain_texts(array: &arrow::array::ArrayRef) -> crate::error::Result<Vec<Option<String>>> {
    json::texts(array)
}

/// The value that a text stands for in a column, as an array of one value; `None` is NULL.
///
/// **Errors**: the text is no value of the column's type. They do not name the column.
pub fn parse_value(field: &arrow::datatypes::Field, text: Option<&str>) -> Result<arrow::array::ArrayRef, String> {
    value::parse_value(field, text)
}
