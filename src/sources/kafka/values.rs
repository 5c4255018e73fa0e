//! How the values of messages are decoded.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::options::KafkaSourceOptions;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::formats::avro::{AvroMessageDecoder, SchemaText, Writers};
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
    /// Checks the settings of the format. `file`: the Avro schema in the file that declares the columns. Asks nobody but the schema registry, and that only for columns that are
    /// not declared: those of the subject of `topic`, which are returned.
    pub(super) fn create(name: &str, options: &KafkaSourceOptions, file: Option<&str>, declared: bool, topic: Option<&str>) -> Result<(Self, Option<Schema>)> {
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
        let Some(topic) = topic else { return Err(Error::config(format!("'{name}.topic' names no topic that exists yet")).with_help(declare())) };
        let subject = format!("{topic}-value");
        let found = registry.latest(&subject)?.ok_or_else(|| {
            let message = format!("schema registry {} has no subject '{subject}', from which to take the columns", registry.place());
            Error::new(ErrorKind::Source, Fault::User, message).with_help(declare())
        })?;
        tracing::info!("source '{name}': columns of subject '{subject}', version {}, schema {}", found.version, found.number);
        let columns = found.schema.columns(&format!("source '{name}', subject '{subject}'"))?;
        Ok((Self::Avro { writers: Writers::Numbered(registry), reader: Some(found.schema) }, Some(columns)))
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
