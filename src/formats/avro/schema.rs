//! Avro schemas as columns.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, Schema};
use arrow_avro::reader::{Reader, ReaderBuilder};
use serde_json::{Value, json};

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::formats::normalize::normal_schema;
use crate::formats::stored::find_type;
use crate::formats::unwind::guarded;

/// The marker between the blocks that are fed to the decoder; any will do.
pub(super) const SYNC: [u8; 16] = *b"velostream-block";

/// The schema of a file or of a declaration.
#[derive(Debug)]
pub(super) struct AvroSchema {
    /// For finding the ends of records.
    pub(super) layout: Arc<Layout>,
    /// The columns in the engine's types.
    pub(super) columns: Arc<Schema>,
    /// The header of a file of this schema, not compressed, for the decoder.
    pub(super) header: Vec<u8>,
}

impl AvroSchema {
    /// Of the JSON text of a schema. Errors go on after "the file can't be read: ".
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut json: Value = serde_json::from_str(text).map_err(|e| format!("its schema is not JSON: {e}"))?;
        let layout = Layout::of(&json)?;
        let Layout::Record(fields) = layout.as_ref() else { return Err("its schema is not a record, so it has no columns".to_owned()) };
        let mut names = HashSet::new();
        if let Some((twice, _)) = fields.iter().find(|(name, _)| !names.insert(name)) {
            return Err(format!("it has two columns called '{twice}'"));
        }
        keep_uuid_text(&mut json);
        let header = header(&json);
        let found = decoder(Cursor::new(header.as_slice()), None, 1)?.schema();
        let mut columns = normal_schema(&found);
        // A column of type null does not say that it is nullable.
        if columns.fields().iter().any(|field| field.data_type().is_null()) {
            columns = Schema::new(
                columns
                    .fields()
                    .iter()
                    .map(|field| field.as_ref().clone().with_nullable(field.is_nullable() || field.data_type().is_null()))
                    .collect::<Fields>(),
            );
        }
        if let Some((column, _)) = find_type(&found, &|data_type| matches!(data_type, DataType::Union(..)).then(String::new)) {
            return Err(format!("column '{column}' is a union of several types, which is not supported"));
        }
        Ok(Self { columns: Arc::new(columns), layout, header })
    }

    /// The fields of a record.
    pub(super) fn fields(&self) -> &[(String, Arc<Layout>)] {
        match self.layout.as_ref() {
            Layout::Record(fields) => fields,
            _ => &[],
        }
    }
}

/// A decoder of a file, which makes batches of at most `rows` rows of the fields at `projection`.
pub(super) fn decoder<R: std::io::BufRead>(input: R, projection: Option<Vec<usize>>, rows: usize) -> Result<Reader<R>, String> {
    // Not directly as views of text: those lose which texts are NULL.
    let builder = ReaderBuilder::new().with_utf8_view(false).with_batch_size(rows);
    let builder = match projection {
        Some(projection) => builder.with_projection(projection),
        None => builder,
    };
    guarded(|| builder.build(input))?.map_err(|e| plain(&e.to_string()))
}

/// The message of a decoder without the names of its layers.
pub(super) fn plain(message: &str) -> String {
    const LAYERS: [&str; 7] = ["Avro error: ", "External error: ", "Parser error: ", "Schema error: ", "External: ", "Arrow: ", "EOF: "];
    let mut text = message;
    while let Some(rest) = LAYERS.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = rest;
    }
    text.to_owned()
}

/// The columns that an Avro schema in JSON (the text of an `.avsc` file) describes, in the engine's types.
///
/// **Errors** say what is wrong with the schema; they do not name a file.
pub fn schema_from_json(text: &str) -> Result<Schema> {
    match AvroSchema::parse(text) {
        Ok(schema) => Ok(schema.columns.as_ref().clone()),
        Err(cause) => Err(Error::config(cause.strip_prefix("its schema").map_or_else(|| cause.clone(), |rest| format!("the Avro schema{rest}")))),
    }
}

/// A UUID that is stored as text stays the text that it is.
fn keep_uuid_text(json: &mut Value) {
    match json {
        Value::Object(object) => {
            if object.get("type") == Some(&json!("string")) && object.get("logicalType") == Some(&json!("uuid")) {
                object.remove("logicalType");
            }
            object.values_mut().for_each(keep_uuid_text);
        }
        Value::Array(values) => values.iter_mut().for_each(keep_uuid_text),
        _ => {}
    }
}

fn header(json: &Value) -> Vec<u8> {
    let text = json.to_string();
    let mut bytes = b"Obj\x01".to_vec();
    put_long(&mut bytes, 1);
    for part in ["avro.schema", text.as_str()] {
        put_long(&mut bytes, part.len());
        bytes.extend_from_slice(part.as_bytes());
    }
    put_long(&mut bytes, 0);
    bytes.extend_from_slice(&SYNC);
    bytes
}

/// Appends a number that is not negative in zigzag form with 7 bits a byte.
pub(super) fn put_long(bytes: &mut Vec<u8>, number: usize) {
    let mut rest = (number as u128) << 1;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}
