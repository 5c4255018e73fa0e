//! Avro object container files, and Avro schemas.
//! - `input`: files as rows
//! - `output`: rows as a file
//! - `schema`: an Avro schema as columns

mod input;
mod output;
mod schema;

pub use input::AvroInput;
pub use output::{AvroCodec, AvroOutput};
pub use schema::schema_from_json;
