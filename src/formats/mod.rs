//! Bytes to batches and back, the same at both ends. In reading order:
//! - `contract`: what a text format offers to readers and writers
//! - `name`: the formats by name and file suffix
//! - `value`: values as text, exactly
//! - `json`, `csv`: the text formats
//! - `columnar`, `parquet`, `avro`: the columnar formats
//! - `guess`: the column types of a sample
//! - `schema_text`: declared columns

pub mod avro;
pub mod columnar;
mod contract;
pub mod csv;
mod guess;
pub mod json;
mod name;
pub mod parquet;
pub mod schema_text;
mod value;

pub use contract::{BatchEncoder, Chunk, ChunkDecoder, DecodedBatch, DecodedChunk, EncodedBatch, Preamble, RecordSplitter, TextInput};
pub use guess::merge_schemas;
pub use name::FormatName;

/// The values of a column as plain text for people and for names, `None` for NULL; nested values are JSON.
///
/// **Errors**: a type that has no text.
pub fn plain_texts(array: &arrow::array::ArrayRef) -> crate::error::Result<Vec<Option<String>>> {
    json::texts(array)
}
