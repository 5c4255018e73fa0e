//! The sinks of this build by name.

use std::sync::Arc;

use super::file::{FileSink, FileSinkOptions};
use super::kafka::{KafkaSink, KafkaSinkOptions, KafkaSinkRest};
use super::registered::RegisteredSink;
use crate::error::{Error, Result};
use crate::kafka::{Role, client_properties, properties_of};
use crate::options::{KeyMap, OptionDescriptor, Scope};
use crate::stream::{DataSink, Place};

/// A sink's settings, by kind.
#[derive(Clone, Debug)]
pub enum SinkConnector {
    /// Files.
    File(FileSinkOptions),
    /// A Kafka topic: our keys, and the client's own.
    Kafka(Box<KafkaSinkOptions>, KafkaSinkRest),
    /// Of a kind that the application has registered.
    Registered(RegisteredSink),
}

impl SinkConnector {
    /// Takes the keys of a kind (simple name, e.g. `file`) out of the map.
    pub fn from_keys(kind: &str, keys: &mut KeyMap, errors: &mut Vec<Error>) -> Option<Self> {
        match kind {
            "file" => FileSinkOptions::from_keys(keys, errors).map(Self::File),
            "kafka" => KafkaSinkOptions::from_keys(keys, errors).map(|options| Self::Kafka(Box::new(options), KafkaSinkRest::default())),
            _ => None,
        }
    }

    /// Takes what is left of the keys after those that every sink has. Only some kinds have keys of their own behind ours; they are checked even if ours are wrong.
    pub fn with_rest(connector: Option<Self>, kind: &str, keys: &mut KeyMap, errors: &mut Vec<Error>) -> Option<Self> {
        match kind {
            "kafka" => {
                let properties = client_properties(keys, Role::Producer, KafkaSinkOptions::OPTIONS, errors);
                match connector {
                    Some(Self::Kafka(options, rest)) => Some(Self::Kafka(options, KafkaSinkRest { properties, ..rest })),
                    other => other,
                }
            }
            _ => connector,
        }
    }

    /// The names of the keys that a kind has behind ours; of all kinds for `None`.
    pub fn rest_names(kind: Option<&str>) -> &'static [String] {
        if Scope::Sink.names_kind(kind, "kafka") { properties_of(Role::Producer) } else { &[] }
    }

    /// Every spelling of the keys of a kind in either spelling; of all kinds for `None`.
    pub fn option_names(kind: Option<&str>) -> Vec<&'static str> {
        Self::reference()
            .into_iter()
            .filter(|(name, _)| Scope::Sink.names_kind(kind, name))
            .flat_map(|(_, options)| options.iter().flat_map(OptionDescriptor::spellings))
            .collect()
    }

    /// The keys of each kind.
    pub fn reference() -> [(&'static str, &'static [OptionDescriptor]); 2] {
        [("file", FileSinkOptions::OPTIONS), ("kafka", KafkaSinkOptions::OPTIONS)]
    }

    /// Tells it the Avro schema in the file that `schema_file` names.
    pub fn set_avro_schema(&mut self, text: &Arc<str>) {
        match self {
            Self::File(_) | Self::Registered(_) => {}
            Self::Kafka(_, rest) => rest.avro_schema = Some(Arc::clone(text)),
        }
    }

    /// Checks what can be checked without asking another system, besides single keys.
    pub fn check(&self, name: &str) -> Result<()> {
        match self {
            Self::File(_) | Self::Registered(_) => Ok(()),
            Self::Kafka(options, rest) => KafkaSink::check(name, options, rest),
        }
    }

    /// Its simple name.
    pub fn kind(&self) -> &str {
        match self {
            Self::Registered(sink) => &sink.kind,
            Self::File(_) => "file",
            Self::Kafka(..) => "kafka",
        }
    }

    /// Whether every batch has an output of its own, so that an epoch is to be one batch.
    pub fn per_batch(&self) -> bool {
        match self {
            Self::File(options) => options.path.contains("{batch_id}"),
            Self::Kafka(..) | Self::Registered(_) => false,
        }
    }

    /// What it writes, for telling what collides, if that is known.
    pub fn place(&self, name: &str) -> Option<Place> {
        match self {
            Self::File(options) => Some(options.place()),
            Self::Kafka(options, _) => Some(options.place(name)),
            Self::Registered(_) => None,
        }
    }

    /// Checks the settings and returns the sink; nothing is created on disk. `encryption_key` is used where a sink is encrypted and has no key of its own.
    pub fn create(&self, name: &str, encryption_key: Option<&str>) -> Result<Arc<dyn DataSink>> {
        match self {
            Self::Registered(sink) => sink.factory.create(name, &sink.keys),
            Self::File(options) => Ok(Arc::new(FileSink::create(name, options.clone(), encryption_key)?)),
            Self::Kafka(options, rest) => Ok(Arc::new(KafkaSink::create(name, options.as_ref().clone(), rest.clone())?)),
        }
    }
}
