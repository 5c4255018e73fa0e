//! Batches into messages.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray, new_empty_array};
use arrow::datatypes::{DataType, SchemaRef};

use super::decoder::SchemaText;
use super::made;
use super::tree::Tree;
use super::write::Node;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::normalize::{normal_schema, normalize};
use crate::formats::stored::check_names;

/// Rows as messages.
#[derive(Debug, Default)]
pub struct EncodedMessages {
    /// The bytes of all.
    pub bytes: Vec<u8>,
    /// Where each ends; rows that were refused have none.
    pub ends: Vec<usize>,
    /// Rows that the schema can't hold, ascending, and why.
    pub rejected: Vec<(usize, String)>,
}

/// Encodes rows as records of a schema.
#[derive(Debug)]
pub struct AvroMessageEncoder {
    /// The columns in the engine's types.
    normal: SchemaRef,
    text: SchemaText,
    tree: Tree,
}

impl AvroMessageEncoder {
    /// For rows of `schema`, as records of `text`; without one a schema is made from the columns, whose record is called `record_name`.
    ///
    /// **Errors**: columns that do not fit the schema.
    pub fn new(schema: &SchemaRef, text: Option<&SchemaText>, record_name: &str) -> Result<Self> {
        let refuse = |message: String| Error::new(ErrorKind::Sink, Fault::User, message);
        check_names("Avro", schema)?;
        if schema.fields().is_empty() {
            return Err(refuse("an Avro record needs at least one column".to_owned()).with_help("select one"));
        }
        let normal = Arc::new(normal_schema(schema));
        let text = match text {
            Some(text) => text.clone(),
            None => SchemaText::alone(made::make(&normal, record_name).map_err(refuse)?.to_string()),
        };
        let tree = text.tree().map_err(|cause| Error::config(format!("the schema {cause}")))?;
        if tree.fields(tree.root).is_none() {
            return Err(Error::config("the schema is not a record, so it has no columns"));
        }
        let none: ArrayRef = new_empty_array(&DataType::Struct(normal.fields().clone()));
        Node::new(&tree, tree.root, &none, "").map_err(refuse)?;
        Ok(Self { normal, text, tree })
    }

    /// A name of the record for a topic.
    pub fn record_name(topic: &str) -> String {
        made::record_name(topic)
    }

    /// The schema of the messages.
    pub fn schema(&self) -> &SchemaText {
        &self.text
    }

    /// The full name of its record.
    pub fn name(&self) -> &str {
        self.tree.node(self.tree.root).name.as_deref().unwrap_or_default()
    }

    /// Encodes rows, each with a schema registry's prefix if the schema has a number.
    pub fn encode(&self, batch: &RecordBatch, number: Option<u32>) -> Result<EncodedMessages> {
        let refuse = |message: String| Error::new(ErrorKind::Sink, Fault::User, message);
        let batch = normalize(batch, &self.normal).map_err(|error| refuse(error.message().to_owned()))?;
        let rows: ArrayRef = Arc::new(StructArray::from(batch));
        let node = Node::new(&self.tree, self.tree.root, &rows, "").map_err(refuse)?;
        let mut encoded = EncodedMessages { ends: Vec::with_capacity(rows.len()), ..EncodedMessages::default() };
        for row in 0..rows.len() {
            let start = encoded.bytes.len();
            if let Some(number) = number {
                encoded.bytes.push(0);
                encoded.bytes.extend_from_slice(&number.to_be_bytes());
            }
            match node.write(row, &mut encoded.bytes) {
                Ok(()) => encoded.ends.push(encoded.bytes.len()),
                Err(reason) => {
                    encoded.bytes.truncate(start);
                    encoded.rejected.push((row, reason));
                }
            }
        }
        Ok(encoded)
    }
}
