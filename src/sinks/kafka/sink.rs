//! The configured sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;

use super::columns::MessageColumns;
use super::options::KafkaSinkOptions;
use super::values::KafkaSinkRest;
use super::writer::KafkaWriter;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::kafka::{ClientProperties, Cluster, Role, Security, TokenEndpoint, check_topic};
use crate::options::Secret;
use crate::stream::{DataSink, DataWriter, SinkContext};

/// How long the start waits for a producer's connection; the brokers have just answered another client.
const CONNECTING: Duration = Duration::from_secs(1);

/// A topic as a sink.
#[derive(Debug)]
pub struct KafkaSink {
    name: String,
    options: KafkaSinkOptions,
    properties: ClientProperties,
    avro_schema: Option<Arc<str>>,
    topic: String,
}

impl KafkaSink {
    /// Checks the settings; asks nobody.
    pub fn check(name: &str, options: &KafkaSinkOptions, rest: &KafkaSinkRest) -> Result<()> {
        options.check(name, rest.avro_schema.is_some())?;
        check_topic(name, options.topic.as_deref().unwrap_or(name))?;
        if options.idempotence && options.acks.is_some_and(|acks| !matches!(acks.as_str(), "all" | "-1")) {
            return Err(Error::setting(name, "acks", format!(" must be all while '{name}.enable.idempotence' is true"))
                .with_help(format!("set '{name}.enable.idempotence' = 'false', or leave '{name}.acks' out")));
        }
        client_properties(options, rest.properties.clone(), options.tokens(name)?).check(Role::Producer, name)
    }

    /// Makes it of checked settings; asks no broker.
    pub fn create(name: &str, options: KafkaSinkOptions, rest: KafkaSinkRest) -> Result<Self> {
        Self::check(name, &options, &rest)?;
        let topic = options.topic.clone().unwrap_or_else(|| name.to_owned());
        let properties = client_properties(&options, rest.properties, options.tokens(name)?);
        Ok(Self { name: name.to_owned(), options, properties, avro_schema: rest.avro_schema, topic })
    }

    fn columns(&self, schema: &SchemaRef) -> Result<MessageColumns> {
        MessageColumns::new(&self.name, schema, &self.options, &self.topic, self.avro_schema.as_deref())
    }

    /// Makes sure that the topic is there.
    fn find_topic(&self) -> Result<()> {
        let cluster = Cluster::connect(&self.properties, ErrorKind::Sink, self.options.connect_timeout.0)?;
        if cluster.partitions(&self.topic)?.is_some() {
            return Ok(());
        }
        if !self.options.create_topic {
            return Err(Error::new(ErrorKind::Sink, Fault::User, format!("topic '{}' does not exist", self.topic))
                .with_help(format!("create it, or leave '{}.topic.create' out", self.name)));
        }
        // Without a number the brokers' default.
        let number = |count: Option<usize>| count.and_then(|count| i32::try_from(count).ok()).unwrap_or(-1);
        let (partitions, replicas) = (self.options.partitions.map(|count| count.0), self.options.replication.map(|count| count.0));
        cluster.create_topic(&self.topic, number(partitions), number(replicas))?;
        // It takes a moment until every broker knows it.
        let begun = Instant::now();
        while cluster.partitions(&self.topic)?.is_none() && begun.elapsed() < self.options.connect_timeout.0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        tracing::info!("sink '{}': topic '{}' created", self.name, self.topic);
        Ok(())
    }
}

/// What the client is told.
fn client_properties(options: &KafkaSinkOptions, mut properties: ClientProperties, tokens: Option<TokenEndpoint>) -> ClientProperties {
    properties.set("bootstrap.servers", options.brokers.as_str());
    properties.set("linger.ms", options.linger.to_string());
    properties.set("enable.idempotence", options.idempotence.to_string());
    let text = |count: &usize| count.to_string();
    let given = [
        ("batch.size", options.batch_size.as_ref().map(text)),
        ("acks", options.acks.map(|acks| acks.as_str().to_owned())),
        ("compression.type", options.compression.map(|codec| codec.as_str().to_owned())),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| properties.set(name, value));
    properties.secure(&Security {
        protocol: options.security_protocol.map(|protocol| protocol.as_str()),
        mechanism: options.sasl_mechanism.map(|mechanism| mechanism.as_str()),
        username: options.sasl_username.as_deref(),
        password: options.sasl_password.as_ref().map(Secret::reveal),
        tokens: tokens.map(Arc::new),
    });
    for (name, value) in [
        // As Java clients do, so that topics written by both stay co-partitioned.
        ("partitioner", "murmur2_random"),
        // Bounded memory; the queue's end is felt by the sources.
        ("queue.buffering.max.messages", "20000"),
        ("queue.buffering.max.kbytes", "8192"),
        // See the source's.
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "2000"),
        ("client.id", "velostream"),
    ] {
        properties.set_default(name, value);
    }
    // As Java clients do. Without idempotence the library's default is any number: requests would queue in a busy broker instead of growing here.
    properties.set_default("max.in.flight.requests.per.connection", "5");
    // A message that is larger than the queue would wait for room for ever.
    let bytes = |name| properties.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let largest = bytes("message.max.bytes").div_ceil(1024);
    if largest > bytes("queue.buffering.max.kbytes") {
        properties.set("queue.buffering.max.kbytes", largest.to_string());
    }
    properties
}

impl DataSink for KafkaSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> String {
        format!("kafka {} @ {}", self.topic, self.options.brokers)
    }

    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        self.columns(schema).map(|_| ())
    }

    fn check_updates(&self, keys: &[String]) -> Result<()> {
        let own = self.options.key.as_ref().map_or(&[][..], |key| key.0.as_slice());
        if !keys.is_empty() && own.len() == keys.len() && keys.iter().all(|key| own.contains(key)) {
            return Ok(());
        }
        let error = Error::config("GROUP BY without a window of the event time tells of its groups again and again: the last message of each key counts");
        Err(match keys {
            [] => error.with_help("group by a column that can be the key, or by a window of the event time, like tumble(ts, INTERVAL '1' MINUTE)"),
            keys => error.with_help(format!(
                "'{}.key' = '{}', or group by a window of the event time, like tumble(ts, INTERVAL '1' MINUTE)",
                self.name,
                keys.join(", ")
            )),
        })
    }

    fn wants_carried(&self) -> bool {
        self.options.key.is_none() || self.options.timestamp.is_none()
    }

    fn look(&self, schema: &SchemaRef) -> Result<()> {
        if !self.options.create_topic {
            self.find_topic()?;
        }
        if !self.options.auto_register {
            self.columns(schema)?.register(&self.options, &self.name, &self.topic)?;
        }
        Ok(())
    }

    fn open(&self, schema: SchemaRef, context: SinkContext) -> Result<Box<dyn DataWriter>> {
        let mut columns = self.columns(&schema)?;
        // What is refused here leaves no topic behind.
        columns.register(&self.options, &self.name, &self.topic)?;
        self.find_topic()?;
        let mut writer = KafkaWriter {
            columns,
            properties: self.properties.clone(),
            topic: self.topic.clone(),
            context,
            producer: None,
            under_way: BTreeMap::new(),
            patience: self.options.connect_timeout.0,
            again: Vec::new(),
            has_waited: false,
            lost: Default::default(),
            loss: None,
            rejected: Vec::new(),
            last_ended: 0,
            closing: false,
        };
        writer.producer()?.connect(CONNECTING);
        Ok(Box::new(writer))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::options::KeyMap;

    #[test]
    fn every_key_reaches_the_client() {
        for (key, value, name) in [
            ("compression.type", "snappy", "compression.type"),
            ("batch.size", "65536", "batch.size"),
            ("linger.ms", "50", "linger.ms"),
            ("acks", "all", "acks"),
            ("enable.idempotence", "true", "enable.idempotence"),
            ("security.protocol", "SSL", "security.protocol"),
        ] {
            let mut map = KeyMap::of("s", &[("bootstrap.servers", "h:1"), (key, value)]);
            let options = KafkaSinkOptions::from_keys(&mut map, &mut Vec::new()).unwrap();
            let properties = client_properties(&options, ClientProperties::default(), None);
            assert_eq!(properties.get(name), Some(value.to_lowercase().as_str()), "{key}");
            assert_eq!((properties.get("bootstrap.servers"), properties.get("partitioner")), (Some("h:1"), Some("murmur2_random")));
        }
    }
}
