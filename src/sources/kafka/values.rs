//! How the values of messages are decoded.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::options::KafkaSourceOptions;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::avro::{AvroMessageDecoder, SchemaText, WriterSchemas, Writers};
use crate::formats::json::JsonMessageDecoder;
use crate::formats::{MessageDecoder, MessageFormat};
use crate::schema_registry::{SchemaRegistry, without_schema};

/// The format of values, with what it takes to decode them.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Objects.
    Json,
    /// Records. `reader`: the schema that the columns come from, unless they were declared otherwise.
    Avro { writers: Writers, reader: Option<Arc<SchemaText>> },
}

impl Values {
    /// Checks the settings of the format. `file`: the Avro schema in the file that declares the columns. Asks the schema registry for columns that are not declared, which are
    /// returned: those of the subject of `topic`; without one, those of the schema whose number `number` finds in a message.
    pub(super) fn create(
        name: &str,
        options: &KafkaSourceOptions,
        file: Option<&str>,
        declared: bool,
        topic: Option<&str>,
        number: impl FnOnce() -> Result<Option<u32>>,
    ) -> Result<(Self, Option<Schema>)> {
        if options.format == MessageFormat::Json {
            return Ok((Self::Json, None));
        }
        let file = file.map(|json| Arc::new(SchemaText::alone(json)));
        let Some(settings) = options.registry(name) else {
            let text = file.ok_or_else(|| without_schema(name))?;
            return Ok((Self::Avro { writers: Writers::One(text), reader: None }, None));
        };
        let registry = Arc::new(SchemaRegistry::new(&settings)?);
        if declared {
            return Ok((Self::Avro { writers: Writers::Numbered(registry), reader: file }, None));
        }
        let declare = || format!("declare the columns: '{name}.schema_file' = 'file.avsc', or '{name}.schema' = 'name TYPE, …'");
        let Some(topic) = topic else { return Err(Error::setting(name, "topic", " names no topic that exists yet").with_help(declare())) };
        let subject = format!("{topic}-value");
        let (what, schema) = match registry.latest(&subject)? {
            Some(found) => (format!("subject '{subject}', version {}, schema {}", found.version, found.number), found.schema),
            None => {
                let missing = |reason: String| Error::new(ErrorKind::Source, Fault::User, reason).with_help(declare());
                let no_message = || {
                    missing(format!(
                        "schema registry {} has no subject '{subject}', and no message tells a schema, from which to take the columns",
                        registry.place()
                    ))
                };
                let number = number()?.ok_or_else(no_message)?;
                (format!("schema {number} of a message"), registry.schema(number)?.map_err(|reason| missing(format!("a message can't be read: {reason}")))?)
            }
        };
        let columns = schema.columns(&format!("source '{name}', {what}"))?;
        tracing::info!("source '{name}': columns of {what}");
        Ok((Self::Avro { writers: Writers::Numbered(registry), reader: Some(schema) }, Some(columns)))
    }

    /// A decoder into columns.
    pub(super) fn decoder(&self, options: &KafkaSourceOptions, schema: &SchemaRef) -> Result<Arc<dyn MessageDecoder>> {
        let longest = usize::try_from(options.max_record_size.0).unwrap_or(usize::MAX);
        let schema = Arc::clone(schema);
        Ok(match self {
            Self::Json => Arc::new(JsonMessageDecoder::new(schema, longest)?),
            Self::Avro { writers, reader } => Arc::new(AvroMessageDecoder::new(schema, reader.as_deref(), writers.clone(), longest)?),
        })
    }
}
