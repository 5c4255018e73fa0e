//! The sources of this build by name.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::file::{FileSource, FileSourceOptions};
use super::kafka::{KafkaSource, KafkaSourceOptions, KafkaSourceRest, SourceIdentity};
use super::registered::RegisteredSource;
use crate::error::{Error, Result};
use crate::kafka::{Role, client_properties, properties_of};
use crate::options::{KeyMap, OptionDescriptor, Scope};
use crate::stream::{DataSource, MetadataColumn, Place};

/// A source's settings, by kind.
#[derive(Clone, Debug)]
pub enum SourceConnector {
    /// Files.
    File(FileSourceOptions),
    /// Kafka topics: our keys, and the client's own.
    Kafka(Box<KafkaSourceOptions>, KafkaSourceRest),
    /// Of a kind, or a table, that the application has registered.
    Registered(RegisteredSource),
}

impl SourceConnector {
    /// Takes the keys of a kind (simple name, e.g. `file`) out of the map.
    pub fn from_keys(kind: &str, keys: &mut KeyMap, errors: &mut Vec<Error>) -> Option<Self> {
        match kind {
            "file" => FileSourceOptions::from_keys(keys, errors).map(Self::File),
            "kafka" => KafkaSourceOptions::from_keys(keys, errors).map(|options| Self::Kafka(Box::new(options), KafkaSourceRest::default())),
            _ => None,
        }
    }

    /// Takes what is left of the keys after those that every source has. Only some kinds have keys of their own behind ours; they are checked even if ours are wrong.
    pub fn with_rest(connector: Option<Self>, kind: &str, keys: &mut KeyMap, errors: &mut Vec<Error>) -> Option<Self> {
        match kind {
            "kafka" => {
                let properties = client_properties(keys, Role::Consumer, KafkaSourceOptions::OPTIONS, errors);
                match connector {
                    Some(Self::Kafka(options, rest)) => Some(Self::Kafka(options, KafkaSourceRest { properties, ..rest })),
                    other => other,
                }
            }
            _ => connector,
        }
    }

    /// The names of the keys that a kind has behind ours; of all kinds for `None`.
    pub fn rest_names(kind: Option<&str>) -> &'static [String] {
        if Scope::Source.names_kind(kind, "kafka") { properties_of(Role::Consumer) } else { &[] }
    }

    /// Every spelling of the keys of a kind in either spelling; of all kinds for `None`.
    pub fn option_names(kind: Option<&str>) -> Vec<&'static str> {
        Self::reference()
            .into_iter()
            .filter(|(name, _)| Scope::Source.names_kind(kind, name))
            .flat_map(|(_, options)| options.iter().flat_map(OptionDescriptor::spellings))
            .collect()
    }

    /// The keys of each kind.
    pub fn reference() -> [(&'static str, &'static [OptionDescriptor]); 2] {
        [("file", FileSourceOptions::OPTIONS), ("kafka", KafkaSourceOptions::OPTIONS)]
    }

    /// Tells it the Avro schema in the file that declares its columns.
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
            Self::Kafka(options, rest) => KafkaSource::check(name, options, rest),
        }
    }

    /// Its simple name.
    pub fn kind(&self) -> &str {
        match self {
            Self::Registered(source) => &source.kind,
            Self::File(_) => "file",
            Self::Kafka(..) => "kafka",
        }
    }

    /// Most of its rows in one batch, if its own keys say so.
    pub fn most_rows(&self) -> Option<usize> {
        match self {
            Self::File(_) | Self::Registered(_) => None,
            Self::Kafka(options, _) => options.max_poll_records.map(|most| most.0),
        }
    }

    /// Whether it ends by itself, as far as its settings tell.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::File(options) => options.is_bounded(),
            Self::Kafka(options, _) => options.until.is_some(),
            Self::Registered(_) => false,
        }
    }

    /// Whether looking at it means to ask another system.
    pub fn is_remote(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Kafka(..) | Self::Registered(_) => true,
        }
    }

    /// What its sources know of a record besides its value.
    pub fn metadata(&self) -> &'static [MetadataColumn] {
        match self {
            Self::File(_) | Self::Registered(_) => &[],
            Self::Kafka(..) => &MetadataColumn::ALL,
        }
    }

    /// The consumer group that it reads in as a source of this job; `base` begins its name where no key gives one. `None` for kinds without, and for reads that commit nothing.
    pub fn group(&self, base: &str, job: &str, named: bool) -> Option<String> {
        match self {
            Self::File(_) | Self::Registered(_) => None,
            Self::Kafka(options, _) => options.group(base, job, named),
        }
    }

    /// What it reads, now or later, for telling what collides.
    pub fn places(&self, name: &str) -> Vec<Place> {
        match self {
            Self::File(options) => options.places(),
            Self::Kafka(options, _) => options.places(name),
            Self::Registered(_) => Vec::new(),
        }
    }

    /// What it reads, in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::File(options) if *options.path == *"-" => "file standard input".to_owned(),
            Self::File(options) => format!("file {}", options.path),
            Self::Registered(source) => source.kind.clone(),
            Self::Kafka(options, _) => format!("kafka {} @ {}", options.topic.as_deref().unwrap_or("topic of its name"), options.brokers),
        }
    }

    /// The size of what it reads, as far as it is known without opening anything.
    pub fn known_bytes(&self) -> u64 {
        match self {
            Self::File(options) => std::fs::metadata(&*options.path).ok().filter(std::fs::Metadata::is_file).map_or(0, |file| file.len()),
            Self::Kafka(..) | Self::Registered(_) => KafkaSource::ASSUMED_BYTES,
        }
    }

    /// Whether creating it reads what can't be read again.
    pub fn reads_pipe(&self) -> bool {
        match self {
            Self::File(options) => options.reads_pipe(),
            Self::Kafka(..) | Self::Registered(_) => false,
        }
    }

    /// Creates the source: checks that it can be read and finds out its columns.
    pub fn create(&self, name: &str, identity: &SourceIdentity, declared: Option<SchemaRef>) -> Result<Arc<dyn DataSource>> {
        match self {
            Self::Registered(source) => source.factory.create(name, &source.keys),
            Self::File(options) => Ok(Arc::new(FileSource::create(name, options.clone(), declared)?)),
            Self::Kafka(options, rest) => Ok(Arc::new(KafkaSource::create(name, options.as_ref().clone(), rest.clone(), identity, declared)?)),
        }
    }
}
