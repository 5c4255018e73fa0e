//! Records in Avro's binary form, one a message, with a schema registry's prefix or without. In reading order:
//! - `tree`: schemas as types that refer to each other by number
//! - `columns`: the columns that a schema describes
//! - `default`: defaults of fields as Avro would write them
//! - `plan`: how the values of one schema become those of another
//! - `put`: binary values into columns under construction
//! - `read`: values in binary form into columns
//! - `decoder`: batches of messages into columns
//! - `made`: a schema made from columns
//! - `decimals`: decimals on their way into a schema
//! - `write`: arrays as values in binary form
//! - `encoder`: batches into messages

mod columns;
mod decimals;
mod decoder;
mod default;
mod encoder;
mod made;
mod plan;
mod put;
mod read;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use decoder::{AvroMessageDecoder, SchemaText, WriterSchemas, Writers, schema_number};
pub use encoder::{AvroMessageEncoder, EncodedMessages};
