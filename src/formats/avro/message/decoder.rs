//! Batches of messages into columns.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parking_lot::Mutex;

use super::columns::{Described, describe};
use super::plan::{Plan, Planner};
use super::read::{Input, read};
use super::tree::Tree;
use crate::error::{Error, Result};
use crate::formats::messages::{DecodedMessages, MessageDecoder, Messages};
use crate::formats::value::{Column, Data, check_columns};

/// The length of a schema registry's prefix: a zero byte and the number of a schema, the highest byte first.
pub(super) const PREFIX: usize = 5;

/// An Avro schema as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaText {
    /// Its JSON.
    pub json: String,
    /// The JSON of the schemas whose types it names, each after those that it names itself.
    pub references: Vec<String>,
}

impl SchemaText {
    /// A schema that names no types of others.
    pub fn alone(json: impl Into<String>) -> Self {
        Self { json: json.into(), references: Vec::new() }
    }

    pub(super) fn tree(&self) -> Result<Tree, String> {
        Tree::parse(&self.json, &self.references)
    }

    /// The columns that it describes, and the fields that have none. Errors go on after "the schema".
    pub(in crate::formats::avro) fn describe(&self) -> Result<Described, String> {
        describe(&self.tree()?)
    }

    /// The columns that it describes, in the engine's types; a field that has no such type is left out with a warning, which begins with `place`.
    ///
    /// **Errors**: what is wrong with the schema.
    pub fn columns(&self, place: &str) -> Result<Schema> {
        let described = self.describe().map_err(|cause| Error::config(format!("{place}: the schema {cause}")))?;
        for (field, reason) in &described.unsupported {
            tracing::warn!("{place}: field '{field}' {reason}, which is not supported; it is left out");
        }
        if described.columns.fields().is_empty() {
            return Err(Error::config(format!("{place}: the schema has no field of a type that is supported")));
        }
        Ok(described.columns)
    }
}

/// Schemas of messages by number, as a schema registry has them.
pub trait WriterSchemas: Send + Sync + Debug {
    /// The schema with a number; the inner error says why messages of that number can't be read.
    ///
    /// **Errors**: it can't be asked for at present.
    fn schema(&self, number: u32) -> Result<Result<Arc<SchemaText>, String>>;
}

/// The number of the schema in a value's prefix, if it has one.
pub fn schema_number(value: &[u8]) -> Option<u32> {
    match value {
        [0, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// How messages tell their schemas.
#[derive(Clone, Debug)]
pub enum Writers {
    /// Each begins with a schema registry's prefix.
    Numbered(Arc<dyn WriterSchemas>),
    /// All have this one.
    One(Arc<SchemaText>),
}

/// A writer's schema, and how its values become columns.
#[derive(Debug)]
struct Planned {
    tree: Tree,
    plan: Plan,
}

/// Decodes records into the columns of a schema; fields that are not in it are passed over.
#[derive(Debug)]
pub struct AvroMessageDecoder {
    schema: SchemaRef,
    reader: Option<Tree>,
    writers: Writers,
    max_record_size: usize,
    /// By number; why those messages can't be read, if they can't.
    plans: Mutex<HashMap<u32, Arc<Result<Planned, String>>>>,
    /// For [`Writers::One`].
    one: Option<Arc<Result<Planned, String>>>,
}

impl AvroMessageDecoder {
    /// For the columns of `schema`. `reader`: the schema that they come from, if they were not declared otherwise; its aliases, defaults and symbols count. Longer values than
    /// `max_record_size` bytes are rejected.
    ///
    /// **Errors**: columns that can't be read from Avro, or not from the one schema that there is.
    pub fn new(schema: SchemaRef, reader: Option<&SchemaText>, writers: Writers, max_record_size: usize) -> Result<Self> {
        check_columns(&schema)?;
        let reader = reader.map(SchemaText::tree).transpose().map_err(|cause| Error::config(format!("the schema {cause}")))?;
        let mut decoder = Self { schema, reader, writers, max_record_size, plans: Mutex::default(), one: None };
        if let Writers::One(text) = &decoder.writers {
            let planned = decoder.planned(text).map_err(|cause| Error::config(format!("the schema {cause}")))?;
            decoder.one = Some(Arc::new(Ok(planned)));
        }
        Ok(decoder)
    }

    fn planned(&self, text: &SchemaText) -> Result<Planned, String> {
        let tree = text.tree()?;
        let plan = Planner { writer: &tree, reader: self.reader.as_ref() }.root(self.schema.fields())?;
        Ok(Planned { tree, plan })
    }

    /// The plan of a number. It is asked for once, by whoever needs it first.
    fn plan(&self, number: u32, schemas: &dyn WriterSchemas) -> Result<Arc<Result<Planned, String>>> {
        if let Some(known) = self.plans.lock().get(&number) {
            return Ok(Arc::clone(known));
        }
        Ok(match schemas.schema(number)? {
            Ok(text) => {
                let planned = Arc::new(self.planned(&text).map_err(|cause| format!("its schema ({number}) {cause}")));
                Arc::clone(self.plans.lock().entry(number).or_insert(planned))
            }
            // It may be there later.
            Err(reason) => Arc::new(Err(reason)),
        })
    }

    fn message(&self, run: &mut Run<'_>, (start, end): (usize, usize)) -> Result<Result<(), String>> {
        if end - start > self.max_record_size {
            return Ok(Err(format!("the record is longer than max_record_size ({} bytes)", self.max_record_size)));
        }
        let mut value = &run.bytes[start..end];
        let planned = match (&self.writers, &self.one) {
            (Writers::Numbered(schemas), _) => {
                let Some(number) = schema_number(value) else {
                    return Ok(Err("it does not begin with a schema registry's prefix (a zero byte and the number of a schema)".to_owned()));
                };
                value = &value[PREFIX..];
                if run.last.as_ref().is_none_or(|(last, _)| *last != number) {
                    run.last = Some((number, self.plan(number, schemas.as_ref())?));
                }
                run.last.as_ref().map(|(_, planned)| planned)
            }
            (Writers::One(_), one) => one.as_ref(),
        };
        let Planned { tree, plan } = match planned.map(AsRef::as_ref) {
            Some(Ok(planned)) => planned,
            Some(Err(reason)) => return Ok(Err(reason.clone())),
            None => return Err(Error::internal("a decoder without a schema")),
        };
        let mut input = Input { tree: Some(tree), rest: value, end: Some(end), empty: 0 };
        Ok(match read(plan, &mut run.root, &mut input) {
            Ok(()) if input.rest.is_empty() => Ok(()),
            Ok(()) => Err(format!("the value is damaged: {} bytes are left over{}", input.rest.len(), self.maybe_framed(value))),
            Err(fault) => Err(fault.reason() + self.maybe_framed(value)),
        })
    }

    /// What to add to a fault of a message that may have a prefix which nobody expects.
    fn maybe_framed(&self, value: &[u8]) -> &'static str {
        let framed = matches!(self.writers, Writers::One(_)) && value.first() == Some(&0) && value.len() > PREFIX;
        if framed { "; if it has a schema registry's prefix, set 'schema.registry.url'" } else { "" }
    }
}

/// Messages on their way into columns.
struct Run<'a> {
    bytes: &'a [u8],
    root: Column,
    /// The schema of the last message, which is mostly that of the next one.
    last: Option<(u32, Arc<Result<Planned, String>>)>,
}

impl MessageDecoder for AvroMessageDecoder {
    fn asks(&self) -> bool {
        matches!(self.writers, Writers::Numbered(_))
    }

    fn decode(&self, messages: &Messages) -> Result<DecodedMessages> {
        let root = Field::new("", DataType::Struct(self.schema.fields().clone()), false);
        let mut run = Run { bytes: messages.bytes.as_slice(), root: Column::new(&root, messages.ends.len())?, last: None };
        let mut message_of_row = Vec::with_capacity(messages.ends.len());
        let mut rejected = Vec::new();
        for (number, range) in (0u32..).zip(messages.ranges()) {
            match self.message(&mut run, range)? {
                Ok(()) => message_of_row.push(number),
                Err(reason) => {
                    run.root.truncate(message_of_row.len());
                    rejected.push((number, reason));
                }
            }
        }
        let Data::Struct(columns, _) = &mut run.root.data else { return Err(Error::internal("the root of an Avro decoder is no struct")) };
        let columns = columns.columns.iter_mut().map(|column| column.finish(&messages.bytes)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(message_of_row.len()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        let rows = rows.map_err(|error| Error::internal("decoded columns differ in length").with_source(error))?;
        Ok(DecodedMessages { rows, message_of_row, rejected, empty: 0 })
    }
}
