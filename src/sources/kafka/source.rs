//! The configured source.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use parking_lot::Mutex;

use super::bounds::Place;
use super::gathered::{Decoding, with_metadata_columns};
use super::options::KafkaSourceOptions;
use super::plan::{GroupStart, TopicList, plan};
use super::reader::{KafkaReader, ReaderSpec};
use super::sample;
use super::values::Values;
use crate::error::{Error, ErrorKind, Fault, Result, excerpt};
use crate::kafka::{ClientProperties, Cluster, PartitionId, Role, TokenEndpoint, check_topic};
use crate::sources::tell_inferred;
use crate::stream::{Boundedness, DataReader, DataSource, MetadataColumn, ReadRequest};

/// Whose source it is.
#[derive(Clone, Debug)]
pub struct SourceIdentity {
    /// Begins the names of consumer groups.
    pub group_base: String,
    /// Name of the job.
    pub job: String,
    /// The job was created by name, so that its offsets are kept under it.
    pub named: bool,
    /// Another source of the script reads the same topic in the same group before this one: what to add to the group's name.
    pub twin: Option<String>,
}

/// What a source is told besides its own keys.
#[derive(Clone, Debug, Default)]
pub struct KafkaSourceRest {
    /// The client's own properties.
    pub properties: ClientProperties,
    /// The Avro schema in the file that declares the columns.
    pub avro_schema: Option<Arc<str>>,
}

/// Kafka topics as a source.
#[derive(Debug)]
pub struct KafkaSource {
    name: String,
    options: KafkaSourceOptions,
    properties: ClientProperties,
    topics: TopicList,
    /// The consumer group, if offsets are committed to it.
    group: Option<String>,
    schema: SchemaRef,
    values: Values,
    /// Where the columns are from.
    columns_are: &'static str,
    place: String,
    /// The connection that was made for finding out, for the first reader.
    cluster: Mutex<Option<Cluster>>,
}

impl KafkaSource {
    /// Larger than any table that is looked up.
    pub const ASSUMED_BYTES: u64 = 1 << 40;

    /// Checks the settings; asks nobody.
    pub fn check(name: &str, options: &KafkaSourceOptions, rest: &KafkaSourceRest) -> Result<()> {
        options.check(name, rest.avro_schema.is_some())?;
        match TopicList::parse(options.topic.as_deref().unwrap_or(name)) {
            TopicList::Names(names) if names.is_empty() => return Err(Error::setting(name, "topic", " names no topic")),
            TopicList::Names(names) => names.iter().try_for_each(|topic| check_topic(name, topic))?,
            TopicList::Pattern(pattern) => {
                regex::Regex::new(&pattern).map_err(|error| {
                    Error::setting(
                        name,
                        "topic",
                        format!(
                            " = '{}' is not a regular expression: {}",
                            excerpt(&pattern),
                            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")
                        ),
                    )
                })?;
            }
        }
        client_properties(options, rest.properties.clone(), options.group_id.as_deref(), options.tokens(name)?).check(Role::Consumer, name)
    }

    /// Checks that the topic can be read and finds out the columns: `declared`, or those of its schema in the registry, or those of its first messages, which are then logged
    /// as the line to paste.
    pub fn create(name: &str, options: KafkaSourceOptions, rest: KafkaSourceRest, identity: &SourceIdentity, declared: Option<SchemaRef>) -> Result<Self> {
        Self::check(name, &options, &rest)?;
        let topics = TopicList::parse(options.topic.as_deref().unwrap_or(name));
        let group = group(&options, identity, name);
        let properties = client_properties(&options, rest.properties, group.as_deref(), options.tokens(name)?);
        let timeout = options.connect_timeout.0;
        let cluster = Cluster::connect(&properties, ErrorKind::Source, timeout)?;
        let partitions = topics.partitions(&cluster)?;
        for (key, place) in [("start", &options.start), ("until", &options.until)] {
            check_place(&format!("{name}.{key}"), place.as_ref(), &partitions)?;
        }
        let is_declared = declared.is_some();
        let first = partitions.first().map(|id| id.topic.as_ref());
        let number = || sample::schema_of_a_message(name, &properties, &partitions, &cluster, timeout);
        let (values, described) = Values::create(name, &options, rest.avro_schema.as_deref(), is_declared, first, number)?;
        let (schema, columns_are) = match (declared, described) {
            (Some(declared), _) => (declared, "declared"),
            (None, Some(described)) => (Arc::new(described), "of the schema registry"),
            (None, None) => {
                let schema = Arc::new(sample::json_schema(name, &properties, &partitions, &cluster, timeout)?);
                tell_inferred(name, &schema);
                (schema, "inferred")
            }
        };
        values.decoder(&options, &schema).map_err(|error| error.context(format!("source '{name}'")))?;
        let place = format!("job '{}', source '{name}'", identity.job);
        Ok(Self { name: name.to_owned(), options, properties, topics, group, schema, values, columns_are, place, cluster: Mutex::new(Some(cluster)) })
    }
}

/// Offsets are of partitions that there are.
fn check_place(key: &str, place: Option<&Place>, partitions: &[PartitionId]) -> Result<()> {
    let Some(Place::Offsets(offsets)) = place else { return Ok(()) };
    match offsets.keys().find(|number| partitions.iter().all(|id| id.partition != **number)) {
        Some(number) => Err(Error::new(ErrorKind::Source, Fault::User, format!("'{key}' names partition {number}, which the topic does not have"))
            .with_help(format!("it has {} partitions, numbered from 0", partitions.len()))),
        None => Ok(()),
    }
}

/// The group, if offsets are committed.
fn group(options: &KafkaSourceOptions, identity: &SourceIdentity, name: &str) -> Option<String> {
    let group = options.group(&identity.group_base, &identity.job, identity.named)?;
    let Some(twin) = &identity.twin else { return Some(group) };
    // One group would share the topic out between both.
    let own = format!("{group}-{twin}");
    if options.group_id.is_some() {
        tracing::warn!("source '{name}': another source of the script reads the topic in group '{group}'; this one's is '{own}'");
    }
    Some(own)
}

/// What the client is told.
fn client_properties(options: &KafkaSourceOptions, mut properties: ClientProperties, group: Option<&str>, tokens: Option<TokenEndpoint>) -> ClientProperties {
    properties.set("bootstrap.servers", options.brokers.as_str());
    let throw_away = || format!("velo-adhoc-{:016x}", rand::random::<u64>());
    properties.set("group.id", group.map_or_else(throw_away, str::to_owned));
    properties.set(
        "auto.offset.reset",
        match options.auto_offset_reset {
            super::options::OffsetReset::Earliest => "earliest",
            super::options::OffsetReset::Latest => "latest",
        },
    );
    properties.set("fetch.wait.max.ms", options.fetch_max_wait.to_string());
    properties.set("fetch.min.bytes", options.fetch_min_bytes.to_string());
    properties.set("session.timeout.ms", options.session_timeout.to_string());
    let security = crate::kafka::Security {
        protocol: options.security_protocol.map(|protocol| protocol.as_str()),
        mechanism: options.sasl_mechanism.map(|mechanism| mechanism.as_str()),
        username: options.sasl_username.as_deref(),
        password: options.sasl_password.as_ref().map(crate::options::Secret::reveal),
        tokens: tokens.map(Arc::new),
    };
    properties.secure(&security);
    for (name, value) in [
        // Bounded memory, and no second-long waits when a queue was full. A message in the client's queue takes some 300 bytes besides its own; longer queues are not faster.
        ("queued.max.messages.kbytes", "4096"),
        ("queued.min.messages", "2000"),
        ("fetch.max.bytes", "2097152"),
        ("fetch.message.max.bytes", "1048576"),
        ("fetch.queue.backoff.ms", "2"),
        ("auto.commit.interval.ms", "500"),
        ("topic.metadata.refresh.interval.ms", "10000"),
        // A client goes from the address that it was given to the broker's own: half of this lies between.
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "2000"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("client.id", "velostream"),
    ] {
        properties.set_default(name, value);
    }
    properties
}

impl DataSource for KafkaSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn metadata(&self) -> &'static [MetadataColumn] {
        &MetadataColumn::ALL
    }

    fn boundedness(&self) -> Boundedness {
        if self.options.until.is_some() { Boundedness::Bounded } else { Boundedness::Unbounded }
    }

    fn estimated_bytes(&self) -> u64 {
        Self::ASSUMED_BYTES
    }

    fn describe(&self) -> String {
        let group = self.group.as_ref().map_or_else(|| "no offsets committed".to_owned(), |group| format!("group {group}"));
        format!("kafka {} @ {}, {group}, {} columns {}", self.topics.text(), self.options.brokers, self.schema.fields().len(), self.columns_are)
    }

    fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
        let columns = self.schema.project(&request.columns).map_err(|error| Error::internal("a column that the source does not have").with_source(error))?;
        let schema = with_metadata_columns(&columns, &request.metadata);
        let decoding = Decoding {
            decoder: self.values.decoder(&self.options, &Arc::new(columns))?,
            metadata: request.metadata,
            key_format: self.options.key_format,
            schema,
        };
        let (properties, options, topics, commits) = (self.properties.clone(), self.options.clone(), self.topics.clone(), self.group.is_some());
        let connect = {
            let (properties, timeout, first) = (properties.clone(), options.connect_timeout.0, self.cluster.lock().take());
            let first = Arc::new(Mutex::new(first));
            move || match first.lock().take() {
                Some(cluster) => Ok(cluster),
                None => Cluster::connect(&properties, ErrorKind::Source, timeout),
            }
        };
        let discover = {
            let (connect, topics) = (connect.clone(), topics.clone());
            Arc::new(move || topics.partitions(&connect()?))
        };
        Ok(Box::new(KafkaReader::new(ReaderSpec {
            place: self.place.clone(),
            properties,
            plan: {
                let (begin, group) = (GroupStart::default(), self.group.clone());
                Arc::new(move |resume| {
                    if let Some(group) = group.as_deref().filter(|_| options.start.is_some()) {
                        begin.once(&options, &topics, group, &connect)?;
                    }
                    plan(&options, &topics, commits, &connect, resume)
                })
            },
            discover,
            decoding: Arc::new(decoding),
            health: request.health,
            parallelism: request.parallelism,
            most: self.options.max_poll_records.map_or(usize::MAX, |most| most.0),
        })))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::options::KeyMap;

    fn properties(keys: &[(&str, &str)]) -> ClientProperties {
        let mut map = KeyMap::of("s", &[&[("bootstrap.servers", "h:1")], keys].concat());
        let options = KafkaSourceOptions::from_keys(&mut map, &mut Vec::new()).unwrap();
        client_properties(&options, ClientProperties::default(), options.group_id.as_deref(), None)
    }

    #[test]
    fn every_key_reaches_the_client() {
        for (keys, name, value) in [
            (&[("bootstrap.servers", "a:1,b:2")][..], "bootstrap.servers", "a:1,b:2"),
            (&[("group.id", "mine")], "group.id", "mine"),
            (&[("auto.offset.reset", "latest")], "auto.offset.reset", "latest"),
            (&[], "auto.offset.reset", "earliest"),
            (&[("session.timeout.ms", "30000")], "session.timeout.ms", "30000"),
            (&[("fetch.min.bytes", "32768")], "fetch.min.bytes", "32768"),
            (&[("fetch.max.wait.ms", "1")], "fetch.wait.max.ms", "1"),
            (&[("security.protocol", "SSL")], "security.protocol", "ssl"),
            (&[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")], "sasl.mechanisms", "PLAIN"),
            (&[("security.protocol", "SASL_PLAINTEXT"), ("sasl.username", "bob")], "sasl.username", "bob"),
            (&[("security.protocol", "SASL_PLAINTEXT"), ("sasl.password", "x")], "sasl.password", "x"),
        ] {
            assert_eq!(properties(keys).get(name), Some(value), "{name}");
        }
        assert_eq!(properties(&[("sasl.username", "bob")]).get("sasl.username"), None, "the client would warn of it without SASL");
        assert!(properties(&[]).get("group.id").unwrap().starts_with("velo-adhoc-"));
    }
}
