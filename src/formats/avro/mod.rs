//! Avro: object container files, and records as messages. In reading order:
//! - `layout`: how records of a schema are laid out in bytes, and their ends found
//! - `names`: schemas of some of the fields
//! - `schema`: Avro schemas as columns
//! - `container`: the header and the blocks of a file
//! - `feed`: checked blocks for the decoder
//! - `reader`: batches out of a file
//! - `compression`, `writer`: batches into a file
//! - `message`: records as messages

mod compression;
mod container;
mod feed;
mod layout;
mod message;
mod names;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub use compression::AvroCompression;
pub use message::{AvroMessageDecoder, AvroMessageEncoder, EncodedMessages, SchemaText, WriterSchemas, Writers, schema_number};
pub use reader::AvroInput;
pub use schema::schema_from_json;
pub use writer::{AvroFileWriter, AvroOutput};
