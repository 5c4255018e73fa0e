//! Avro schemas as columns.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow_avro::reader::{Reader, ReaderBuilder};
use serde_json::Value;

use super::layout::Layout;
use super::message::SchemaText;
use super::names::Definitions;
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
    layout: Arc<Layout>,
    /// The columns in the engine's types, except those of types that are not supported.
    pub(super) columns: Arc<Schema>,
    /// Those, and what they are.
    pub(super) unsupported: Vec<(String, String)>,
    definitions: Definitions,
    /// The fields in JSON.
    fields: Vec<Value>,
}

impl AvroSchema {
    /// Of the JSON text of a schema. Errors go on after "the file can't be read: ".
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|e| format!("its schema is not JSON: {e}"))?;
        let layout = Layout::of(&json)?;
        let Layout::Record(fields) = layout.as_ref() else { return Err("its schema is not a record, so it has no columns".to_owned()) };
        let mut names = HashSet::new();
        if let Some((twice, _)) = fields.iter().find(|(name, _)| !names.insert(name)) {
            return Err(format!("it has two columns called '{twice}'"));
        }
        let (definitions, fields) = Definitions::of(&json);
        let mut schema = Self { layout, columns: Arc::new(Schema::empty()), unsupported: Vec::new(), definitions, fields };
        let all = vec![true; schema.fields.len()];
        let columns = match schema.columns_of(&all) {
            Ok(columns) => columns,
            // One by one, to know which of them it is.
            Err(_) => {
                let mut found = Vec::new();
                for at in 0..all.len() {
                    let mut one = vec![false; all.len()];
                    one[at] = true;
                    match schema.columns_of(&one) {
                        Ok(columns) => found.extend(columns),
                        Err(reason) => schema.unsupported.push((schema.fields()[at].0.clone(), reason)),
                    }
                }
                found
            }
        };
        schema.columns = Arc::new(Schema::new(columns));
        Ok(schema)
    }

    /// The columns that the decoder makes of some fields. `Err`: what one of them is that is not supported, after "the column ".
    fn columns_of(&self, wanted: &[bool]) -> Result<Vec<FieldRef>, String> {
        if self.fields().iter().zip(wanted).any(|((_, layout), wanted)| *wanted && layout.is_recursive()) {
            return Err("has a type that holds itself".to_owned());
        }
        let found = decoder(Cursor::new(self.header(wanted)), 1).map_err(|cause| format!("is of a kind ({cause})"))?.schema();
        if let Some((path, _)) = find_type(&found, &|data_type| matches!(data_type, DataType::Union(..)).then(String::new)) {
            let inside = path.split_once(['.', '[']).map(|_| format!(" inside ({path})")).unwrap_or_default();
            return Err(format!("has a union other than of one type and null{inside}"));
        }
        // A column of type null does not say that it is nullable.
        let nullable = |field: &FieldRef| Arc::new(field.as_ref().clone().with_nullable(field.is_nullable() || field.data_type().is_null()));
        Ok(normal_schema(&found).fields().iter().map(nullable).collect())
    }

    /// The fields of a record.
    pub(super) fn fields(&self) -> &[(String, Arc<Layout>)] {
        match self.layout.as_ref() {
            Layout::Record(fields) => fields,
            _ => &[],
        }
    }

    /// The header of a file of some of the fields, not compressed, for the decoder.
    pub(super) fn header(&self, wanted: &[bool]) -> Vec<u8> {
        let fields: Vec<&Value> = self.fields.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(field, _)| field).collect();
        header(&self.definitions.record(&fields))
    }
}

/// A decoder of a file, which makes batches of at most `rows` rows.
pub(super) fn decoder<R: std::io::BufRead>(input: R, rows: usize) -> Result<Reader<R>, String> {
    // Not directly as views of text: those lose which texts are NULL.
    let builder = ReaderBuilder::new().with_utf8_view(false).with_batch_size(rows);
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
    let described = SchemaText::alone(text).describe().map_err(|cause| Error::config(format!("the Avro schema {cause}")))?;
    match described.unsupported.first() {
        Some((column, reason)) => Err(Error::config(format!("column '{column}' {reason}, which is not supported"))),
        None => Ok(described.columns),
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
