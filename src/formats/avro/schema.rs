//! An Avro schema as columns.

use arrow::datatypes::Schema;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{AvroSchema, SchemaStore};

use crate::error::{Error, Result};
use crate::formats::columnar::house_schema;

/// The columns of a record schema in Avro's JSON form.
///
/// **Errors**: the text is no Avro schema of a record.
pub fn schema_from_json(text: &str) -> Result<Schema> {
    let fault = |error: &dyn std::fmt::Display| {
        let words = error.to_string();
        let words = words.trim_start_matches("Parser error: ").trim_start_matches("Schema error: ").to_owned();
        Error::config(format!("not an Avro schema of a record: {words}"))
    };
    let mut store = SchemaStore::new();
    let fingerprint = store.register(AvroSchema::new(text.to_owned())).map_err(|error| fault(&error))?;
    let decoder = ReaderBuilder::new().with_writer_schema_store(store).with_active_fingerprint(fingerprint).with_utf8_view(true).build_decoder();
    Ok(house_schema(&decoder.map_err(|error| fault(&error))?.schema()))
}
