//! How rows become the values of messages.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::options::KafkaSinkOptions;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::avro::{AvroMessageEncoder, SchemaText};
use crate::formats::json::JsonEncoder;
use crate::formats::{BatchEncoder, MessageFormat};
use crate::kafka::Payload;
use crate::schema_registry::SchemaRegistry;

/// Encodes values.
#[derive(Debug)]
pub(super) enum Values {
    /// Objects.
    Json(JsonEncoder),
    /// Records; with the number of their schema, if a registry has it.
    Avro(Box<AvroMessageEncoder>, Option<u32>),
}

/// Values of rows, and the rows without one.
#[derive(Debug, Default)]
pub(super) struct EncodedValues {
    pub payload: Payload,
    /// Rows that can't be written, ascending, and why.
    pub rejected: Vec<(usize, String)>,
}

impl Values {
    /// For rows of `schema`. Asks nobody. `file`: the Avro schema that `schema_file` names.
    pub(super) fn new(schema: &SchemaRef, options: &KafkaSinkOptions, topic: &str, file: Option<&str>) -> Result<Self> {
        if options.format == MessageFormat::Json {
            return Ok(Self::Json(JsonEncoder::new(schema)?));
        }
        let file = file.map(SchemaText::alone);
        let name = options.record_name.clone().unwrap_or_else(|| AvroMessageEncoder::record_name(topic));
        Ok(Self::Avro(Box::new(AvroMessageEncoder::new(schema, file.as_ref(), &name)?), None))
    }

    /// Registers the schema, or looks it up.
    ///
    /// **Errors**: the registry refuses it or does not have it, or does not answer.
    pub(super) fn register(&mut self, options: &KafkaSinkOptions, sink: &str, topic: &str) -> Result<()> {
        let Self::Avro(encoder, number) = self else { return Ok(()) };
        let Some(settings) = options.registry(sink) else { return Ok(()) };
        let registry = SchemaRegistry::new(&settings)?;
        let subject = options.subject_strategy.subject(topic, encoder.name());
        *number = if options.auto_register {
            Some(registry.register(&subject, encoder.schema())?)
        } else {
            let found = registry.lookup(&subject, encoder.schema())?;
            Some(found.ok_or_else(|| {
                let message = format!("schema registry {} does not have the schema of the rows under subject '{subject}'", registry.place());
                let help = format!(
                    "register it, name the registered one with '{sink}.schema_file', or leave '{sink}.auto.register.schemas' out; it is {}",
                    encoder.schema().json
                );
                Error::new(ErrorKind::Sink, Fault::User, message).with_help(help)
            })?)
        };
        tracing::info!("sink '{sink}': schema {} of subject '{subject}'", number.unwrap_or_default());
        Ok(())
    }

    /// The values of rows.
    pub(super) fn encode(&self, batch: &RecordBatch) -> Result<EncodedValues> {
        match self {
            Self::Json(encoder) => {
                let encoded = encoder.encode(batch)?;
                // Rows without a value would shift keys and times against values; which they are is not known.
                if let Some(rejected) = encoded.rejected.into_iter().next() {
                    return Err(Error::new(ErrorKind::Record, Fault::User, rejected.reason));
                }
                let mut payload = Payload { ends: Vec::with_capacity(batch.num_rows()), bytes: encoded.bytes, gap: 1 };
                // Every line is a row: line ends within texts are escaped.
                payload.ends.extend(memchr::memchr_iter(b'\n', &payload.bytes).map(|end| end + 1));
                Ok(EncodedValues { payload, rejected: Vec::new() })
            }
            Self::Avro(encoder, number) => {
                let encoded = encoder.encode(batch, *number)?;
                Ok(EncodedValues { payload: Payload { bytes: encoded.bytes, ends: encoded.ends, gap: 0 }, rejected: encoded.rejected })
            }
        }
    }
}

/// What a sink is told besides its own keys.
#[derive(Clone, Debug, Default)]
pub struct KafkaSinkRest {
    /// The client's own properties.
    pub properties: crate::kafka::ClientProperties,
    /// The Avro schema in the file that `schema_file` names.
    pub avro_schema: Option<Arc<str>>,
}
